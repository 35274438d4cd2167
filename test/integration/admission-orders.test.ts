/** The admission policies over every order of edits: each state of a pending command that edits can lead to, and each edit in it. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { RESOURCES, type KubernetesClient } from "../../src/kubernetes/client.ts";
import { loadConnection } from "../../src/kubernetes/connection.ts";
import { createKubernetesClient } from "../../src/kubernetes/kube-client.ts";
import { createTransport } from "../../src/kubernetes/transport.ts";
import { COMMAND_ANNOTATION } from "../../src/rollout/rollout.ts";
import { createApiRequest, type ApiRequest } from "../support/api-request.ts";
import { connectControlPlane, tokenIn } from "../support/control-plane.ts";
import { DAEMON, isAllowed } from "../support/deployed.ts";
import { clusterRole, roleBinding, type Right } from "../support/granted.ts";
import { until } from "../support/until.ts";

const NAMESPACE = `orders-${randomBytes(4).toString("hex")}`;
const VERBS = ["abort", "promote", "pause", "resume", "retry", "undo"];
const POLICED_AFTER_MS = 60_000;

const rollouts = (...verbs: readonly string[]): readonly Right[] => verbs.map((verb) => ({ group: "weir.dev", resource: "rollouts", verb }));

/** Everybody may write metadata; who may give which commands, and whether they may change the spec. */
const PEOPLE = {
  operator: { may: VERBS, updates: true },
  night: { may: ["abort"], updates: false },
  pauser: { may: ["pause", "resume"], updates: false },
  gitops: { may: [], updates: true },
} as const satisfies Readonly<Record<string, { readonly may: readonly string[]; readonly updates: boolean }>>;
type Person = keyof typeof PEOPLE;

const nameOf = (person: Person): string => `system:serviceaccount:${NAMESPACE}:${person}`;
const as = (person: Person): string => `actor=${encodeURIComponent(nameOf(person))}`;

interface Edit {
  readonly by: Person | "daemon";
  /** What happens, as part of a sentence. */
  readonly what: string;
  /** The annotation after it; `undefined` leaves it, `null` takes it away. */
  readonly writes?: (pending: string) => string | null;
  readonly spec?: object;
}

const gives = (by: Person, text: string): Edit => ({ by, what: `${by} writes "${text.replaceAll(NAMESPACE, "N")}"`, writes: () => text });
const takesBack = (by: Person): Edit => ({ by, what: `${by} takes the command back`, writes: () => null });
const verbOf = (text: string): string => text.split(" ")[0] ?? "";

const EDITS: readonly Edit[] = [
  gives("operator", `promote id=1 run=1 ${as("operator")}`),
  gives("operator", "abort"),
  gives("operator", "undo reason=x"),
  gives("night", `abort id=2 run=1 ${as("night")}`),
  gives("night", `abort id=2 run=1 ${as("operator")}`),
  gives("night", `promote id=2 run=1 ${as("night")}`),
  gives("night", `pause id=2 run=1 ${as("night")} ${as("pauser")}`),
  gives("pauser", `pause id=3 run=1 ${as("pauser")}`),
  gives("pauser", `pause id=3 run=1 ${as("operator")}`),
  gives("pauser", "resume"),
  gives("pauser", "promote"),
  gives("pauser", `pause id=3\trun=1 ${as("pauser")}`),
  gives("gitops", "promote"),
  gives("operator", "abrot"),
  ...(["operator", "night", "pauser", "gitops"] as const).map(takesBack),
  { by: "gitops", what: "gitops applies another spec", spec: { release: "v9" } },
  { by: "operator", what: "the operator edits the spec", spec: { release: "v8" } },
  { by: "night", what: "the night shift edits the spec", spec: { release: "v7" } },
  { by: "pauser", what: "the pauser edits the spec and pauses in one", spec: { release: "v7" }, writes: () => "pause" },
  { by: "daemon", what: "the daemon stamps what is pending", writes: (pending) => (pending === "" ? null : `${verbOf(pending)} id=stamped run=1 actor=unverified`) },
  { by: "daemon", what: "the daemon takes away what it has obeyed", writes: () => null },
  { by: "daemon", what: "the daemon writes the spec", spec: { release: "v6" } },
  { by: "daemon", what: "the daemon gives a command", writes: (pending) => `${verbOf(pending) === "pause" ? "resume" : "pause"} id=4 run=1 actor=unverified` },
];

/** What is right, told from the people's rights alone: why an edit must be refused. Of two policies that refuse the same edit the server tells either's reason. */
function flawsOf(pending: string, edit: Edit): readonly RegExp[] {
  const isSpecRefused = edit.spec !== undefined && (edit.by === "daemon" || !PEOPLE[edit.by].updates);
  return [isSpecRefused ? /expected the right to update/ : undefined, flawOfWrite(pending, edit)].filter((flaw) => flaw !== undefined);
}

function flawOfWrite(pending: string, edit: Edit): RegExp | undefined {
  const after = edit.writes ? (edit.writes(pending) ?? "") : pending;
  if (after === pending) return undefined;
  if (edit.by === "daemon") return after === "" || verbOf(after) === verbOf(pending) ? undefined : /expected Weir's own account to stamp or remove/;
  return flawOfCommand(pending, after, edit.by);
}

function flawOfCommand(pending: string, after: string, by: Person): RegExp | undefined {
  if (after.includes("\t")) return /single spaces between its words/;
  if (after !== "" && !VERBS.includes(verbOf(after))) return /expected one of abort, promote/;
  if (verbOf(pending) === "abort") return /expected the pending abort to stay until Weir has obeyed it/;
  const needed = verbOf(after) === "abort" ? ["abort"] : [after, pending].map(verbOf).filter((verb) => verb !== "");
  if (needed.some((verb) => !(PEOPLE[by].may as readonly string[]).includes(verb))) return /expected the right to (?:abort|promote|pause|resume|retry|undo) rollouts\.weir\.dev/;
  const names = after.match(/actor=\S+/g) ?? [];
  return names.every((name) => name === as(by)) ? undefined : /expected actor=.*, who is logged in, got another name/;
}

interface Outcome {
  /** What is pending then, where it was let through. */
  readonly after?: string;
  readonly said?: string;
}

function complaintsAbout(pending: string, edit: Edit, { said }: Outcome): readonly string[] {
  const flaws = flawsOf(pending, edit);
  const isRight = flaws.length > 0 ? said !== undefined && flaws.some((flaw) => flaw.test(said)) : said === undefined;
  return isRight ? [] : [`"${pending}" is pending, ${edit.what}: ${said ?? "let through"}, expected ${flaws.join(" or ") || "to be let through"}`];
}

const address = inject("controlPlane");

describe.runIf(address)("the admission policies", () => {
  const plane = connectControlPlane(address!);
  const clients = new Map<string, KubernetesClient>();
  const closing: (() => void)[] = [];
  const collection = `/apis/weir.dev/v1alpha1/namespaces/${NAMESPACE}/rollouts`;

  beforeAll(async () => {
    await plane.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } }]);
    for (const [person, { may, updates }] of Object.entries(PEOPLE)) await admit(person, rollouts("get", "create", "patch", ...may, ...(updates ? ["update"] : [])));
    connect("daemon", plane.kubeconfigFor(DAEMON.kubeconfig));
    const scratch = await create("scratch");
    await until(() => client("night").patch(RESOURCES.rollouts, NAMESPACE, scratch, { type: "merge", body: annotated("promote") }, { dryRun: true }).then(() => false, (error: Error) => error.message.includes("expected the right")), POLICED_AFTER_MS);
    return () => closing.forEach((close) => close());
  }, 120_000);

  async function admit(person: string, rights: readonly Right[]): Promise<void> {
    const role = `${NAMESPACE}-${person}`;
    const subject = { kind: "ServiceAccount", name: person, namespace: NAMESPACE } as const;
    await plane.apply([{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: person, namespace: NAMESPACE } }, clusterRole(role, rights), roleBinding(role, subject, NAMESPACE)]);
    await until(() => isAllowed(plane.request, nameOf(person as Person), rights.at(-1)!, NAMESPACE), POLICED_AFTER_MS);
    connect(person, await plane.kubeconfigForServiceAccount(NAMESPACE, person));
  }

  function connect(person: string, kubeconfig: string): void {
    const transport = createTransport(loadConnection({ kubeconfig }), { userAgent: "test" });
    closing.push(transport.close);
    clients.set(person, createKubernetesClient(transport));
  }
  const client = (person: string): KubernetesClient => clients.get(person)!;
  const annotated = (text: string | null): object => ({ metadata: { annotations: { [COMMAND_ANNOTATION]: text } } });
  const requestAs = (person: Person): ApiRequest => createApiRequest({ ...plane, token: tokenIn(plane.kubeconfigFor(`${NAMESPACE}-${person}`)) });
  const manifest = (name: string, annotations: object = {}, release = "v3") => ({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name, annotations }, spec: { release, traffic: { istio: { virtualServices: [{ name }] } } } });

  async function create(name: string): Promise<string> {
    await plane.request("POST", collection, manifest(name));
    return name;
  }

  /** The pending command after it. */
  async function make(name: string, pending: string, { by, writes, spec }: Edit, dryRun: boolean): Promise<string> {
    const body = { ...(writes && annotated(writes(pending))), ...(spec && { spec }) };
    const { metadata } = await client(by).patch(RESOURCES.rollouts, NAMESPACE, name, { type: "merge", body }, { dryRun });
    return metadata.annotations?.[COMMAND_ANNOTATION] ?? "";
  }

  it("lets through and refuses each edit as the rights say, whatever edits came before it, and says why in one sentence", async () => {
    const paths = new Map<string, readonly Edit[]>([["", []]]);
    const wrong: string[] = [];
    for (const [pending, path] of paths) {
      const name = await reach(path);
      const outcomes = await Promise.all(EDITS.map((edit) => make(name, pending, edit, true).then((after): Outcome => ({ after }), ({ message }: Error): Outcome => ({ said: message }))));
      for (const [index, outcome] of outcomes.entries()) {
        wrong.push(...complaintsAbout(pending, EDITS[index]!, outcome));
        if (outcome.after !== undefined && !paths.has(outcome.after)) paths.set(outcome.after, [...path, EDITS[index]!]);
      }
    }
    expect(wrong).toEqual([]);
    expect([...new Set([...paths.keys()].map(verbOf))].sort()).toEqual(["", "abort", "pause", "promote", "resume", "undo"]);
  }, 240_000);

  /** A Rollout on which these edits have been made. */
  async function reach(path: readonly Edit[]): Promise<string> {
    const name = await create(`state-${randomBytes(4).toString("hex")}`);
    let pending = "";
    for (const edit of path) pending = await make(name, pending, edit, false);
    return name;
  }

  const FORGED = { [COMMAND_ANNOTATION]: `abort id=1 run=1 ${as("operator")}` };
  const WAYS: Readonly<Record<string, (request: ApiRequest, name: string) => Promise<unknown>>> = {
    "a merge patch": (request, name) => request("PATCH", `${collection}/${name}`, { metadata: { annotations: FORGED } }),
    "a JSON patch": (request, name) => request("PATCH", `${collection}/${name}`, [{ op: "add", path: "/metadata/annotations", value: FORGED }], "application/json-patch+json"),
    "server-side apply": (request, name) => request("PATCH", `${collection}/${name}?fieldManager=x&force=true`, { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name, annotations: FORGED } }, "application/apply-patch+yaml"),
    "server-side apply of a new one": (request) => request("PATCH", `${collection}/new?fieldManager=x`, manifest("new", FORGED), "application/apply-patch+yaml"),
    "creation": (request) => request("POST", collection, manifest("created", FORGED)),
  };

  it.each(Object.entries(WAYS))("refuse a forged actor by %s", async (way, write) => {
    const name = await create(`way-${way.replaceAll(/\W/g, "-").toLowerCase()}`);
    await expect(write(requestAs("night"), name)).rejects.toThrow(/expected actor=.*night, who is logged in, got another name in weir\.dev\/command/);
  });

  it("the status subresource is no way around them: annotations do not pass it", async () => {
    const name = await create("by-status");
    await plane.request("PATCH", `${collection}/${name}/status`, { metadata: { annotations: FORGED }, status: { message: "m" } });
    const { metadata } = await plane.request<{ readonly metadata: { readonly annotations?: object } }>("GET", `${collection}/${name}`);
    expect(metadata.annotations ?? {}).toEqual({});
  });

  it("who applies manifests from git is let through while a command waits, and does not take it away", async () => {
    const name = await create("applied");
    const apply = (release: string) => requestAs("gitops")<{ readonly metadata: { readonly annotations: object } }>("PATCH", `${collection}/${name}?fieldManager=gitops&force=true`, manifest(name, { team: "web" }, release), "application/apply-patch+yaml");
    await apply("v3");
    await requestAs("night")("PATCH", `${collection}/${name}`, { metadata: { annotations: { [COMMAND_ANNOTATION]: "abort" } } });
    expect((await apply("v4")).metadata.annotations).toEqual({ team: "web", [COMMAND_ANNOTATION]: "abort" });
  });
});
