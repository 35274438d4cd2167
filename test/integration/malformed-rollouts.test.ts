/** A thousand malformed Rollouts through API servers, and through the daemon's parts where a looser CRD let them in: refused or said, and never a write of a route. */
import { writeFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { customResourceDefinitions } from "../../src/playground/custom-resources.ts";
import { createKubernetesApi, type KubernetesApi } from "../../src/playground/kubernetes-api/kubernetes-api.ts";
import type { GivenObject } from "../../src/playground/kubernetes-api/objects.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { rolloutOf } from "../../src/kubernetes/rollout-object.ts";
import type { RolloutStatus } from "../../src/rollout/status.ts";
import type { ApiAddress } from "../support/api-request.ts";
import { flawsOfSentence } from "../support/clear-sentence.ts";
import { openDaemonParts, type DaemonParts } from "../support/daemon-parts.ts";
import { aDestinationRule, aKubernetesService, aVirtualService, NAMESPACE } from "../support/istio-objects.ts";
import { kubernetesApis, type TestApi } from "../support/kubernetes-apis.ts";
import { malformedRollouts, malformedTexts } from "../support/malformed-rollouts.ts";
import { shortened } from "../support/whole-run.ts";

const SEED = 19_700_101;
const COUNTS = { embedded: 1_000, real: 250, daemon: 300 };
const TEXTS = 40;
/** In which each has to be answered, on a busy machine; nobody waits for ever. */
const ANSWER_LIMIT_MS = 30_000;

interface Answer {
  readonly status: number;
  readonly body: { readonly kind?: string; readonly message?: string; readonly spec?: unknown };
}

/** Over connections that are kept: a thousand handshakes would be most of the work. */
function createPost({ url, ca, token }: ApiAddress): { post(path: string, body: string, type?: string): Promise<Answer>; close(): void } {
  const [agent, request] = url.startsWith("https:") ? ([new HttpsAgent({ keepAlive: true, ca }), httpsRequest] as const) : ([new HttpAgent({ keepAlive: true }), httpRequest] as const);
  const post = (where: string, body: string, type = "application/json"): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request(new URL(where, url), { method: "POST", agent, headers: { authorization: `Bearer ${token}`, "content-type": type } }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer["body"] }));
      });
      sent.setTimeout(ANSWER_LIMIT_MS, () => sent.destroy(new Error("no answer")));
      sent.on("error", reject).end(body);
    });
  return { post, close: () => agent.destroy() };
}

/** A client's mistake, said, and never the server's; or something whole is left once unknown fields are pruned. */
function complaintsAbout(what: string, { status, body }: Answer): readonly string[] {
  if (status === 201 && isReadable(body.spec)) return [];
  const isSaid = body.kind === "Status" && (body.message ?? "") !== "" && !/\.[jt]s:\d|\bat [^ ]+ \(|panic|goroutine/.test(body.message!);
  return [400, 413, 422].includes(status) && isSaid ? [] : [`${what}: ${status} ${JSON.stringify(body).slice(0, 300)}`];
}

describe.each(shortened(kubernetesApis()))("the $name API", ({ name: which, open }) => {
  let api: TestApi;
  let sender: ReturnType<typeof createPost>;
  let collection: string;
  beforeAll(async () => {
    api = await open();
    sender = createPost(api.address);
    collection = `/apis/weir.dev/v1alpha1/namespaces/${await api.createNamespace()}/rollouts?dryRun=All`;
  });
  afterAll(async () => {
    sender.close();
    await api.close();
  });

  test("refuses each with a sentence, or takes what it has pruned", { timeout: 240_000 }, async () => {
    const complaints: string[] = [];
    let refused = 0;
    for (const [index, { what, object }] of malformedRollouts(SEED, COUNTS[which]).entries()) {
      const answer = await sender.post(collection, JSON.stringify({ ...object, metadata: { name: `r${index}` } }));
      complaints.push(...complaintsAbout(what, answer));
      refused += answer.status === 422 ? 1 : 0;
    }
    expect(complaints).toEqual([]);
    expect(refused).toBeGreaterThan(COUNTS[which] * 0.8);
  });

  test("answers to texts that are no Rollout, too", { timeout: 240_000 }, async () => {
    const complaints: string[] = [];
    for (const { what, text } of malformedTexts(SEED, TEXTS)) for (const type of ["application/yaml", "application/json"]) complaints.push(...complaintsAbout(what, await sender.post(collection, text, type)));
    expect(complaints).toEqual([]);
  });
});

function isReadable(spec: unknown): boolean {
  return !("invalid" in rolloutOf({ metadata: { name: "any" }, spec }).spec);
}

/** As a CRD from before there were rules. */
function loosened(definition: GivenObject): GivenObject {
  if (definition.metadata.name !== "rollouts.weir.dev") return definition;
  const copy = structuredClone(definition) as GivenObject & { spec: { versions: { schema: { openAPIV3Schema: { required?: unknown; properties: Record<string, object> } } }[] } };
  const schema = copy.spec.versions[0]!.schema.openAPIV3Schema;
  delete schema.required;
  schema.properties["spec"] = { "x-kubernetes-preserve-unknown-fields": true };
  return copy;
}

describe("the daemon, where a looser CRD let them in", () => {
  const folder = createTemporaryFolder("weir-malformed");
  let api: KubernetesApi;
  let daemon: DaemonParts;
  afterAll(async () => {
    daemon?.close();
    await api.close();
    await folder.remove();
  });

  test("says each in a clear sentence, and writes no route", { timeout: 240_000 }, async () => {
    api = await createKubernetesApi({ crds: customResourceDefinitions().map(loosened) });
    for (const object of [aVirtualService(), aDestinationRule(), aKubernetesService()]) api.objects.put(object as GivenObject);
    const stored = malformedRollouts(SEED, COUNTS.daemon).flatMap(({ what, object }, index) => store({ what, name: `r${index}`, spec: object["spec"] }));
    expect(stored.length).toBeGreaterThan(COUNTS.daemon * 0.8);
    const kubeconfig = path.join(folder.path, "kubeconfig");
    writeFileSync(kubeconfig, api.kubeconfig("daemon"));
    daemon = await openDaemonParts({ kubeconfig, namespace: NAMESPACE });
    for (const { name } of stored) await daemon.tickOnce({ namespace: NAMESPACE, name });
    const complaints = stored.flatMap(({ what, name }) => flawsOfStatus(statusOf(name)).map((flaw) => `${what}: ${flaw}`));
    expect(complaints).toEqual([]);
    expect(daemon.asked.filter(({ verb, resource }) => resource === "virtualservices" && verb !== "list" && verb !== "watch")).toEqual([]);
    expect(daemon.log()).not.toContain("a tick failed");
  });

  interface Stored {
    readonly what: string;
    readonly name: string;
  }

  /** Those that would be fine once pruned are no matter here. */
  function store({ what, name, spec }: Stored & { readonly spec: unknown }): readonly Stored[] {
    if (isReadable(spec)) return [];
    api.objects.put({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name, namespace: NAMESPACE }, spec });
    return [{ what, name }];
  }

  function statusOf(name: string): RolloutStatus | undefined {
    return (api.objects.get({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout" }, NAMESPACE, name) as { readonly status?: RolloutStatus } | undefined)?.status;
  }

  function flawsOfStatus(status: RolloutStatus | undefined): readonly string[] {
    if (status?.phase !== "Degraded" || status.reason !== "InvalidSpec") return [`is ${status?.phase}/${status?.reason}: ${status?.message}`];
    return flawsOfSentence(status.message);
  }
});
