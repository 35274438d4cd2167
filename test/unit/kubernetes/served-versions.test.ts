/** One version of Istio's API for everybody, whichever the server has. */
import { describe, expect, test } from "vitest";
import { RESOURCES, type KubernetesClient, type Resource } from "../../../src/kubernetes/client.ts";
import { ApiError, Unreachable } from "../../../src/kubernetes/errors.ts";
import { withServedVersions } from "../../../src/kubernetes/served-versions.ts";

async function clientWith(discover: () => unknown) {
  const asked: string[] = [];
  const note = (verb: string) => (resource: Resource) => (asked.push(`${verb} ${resource.plural} ${resource.version}`), { metadata: { name: "a" } });
  const verbs = Object.fromEntries(["get", "list", "create", "patch", "delete", "watch"].map((verb) => [verb, note(verb)]));
  const client = await withServedVersions({ ...verbs, request: async (_: string, path: string) => (asked.push(path), discover()) } as unknown as KubernetesClient);
  return { client, asked };
}

async function ask(client: KubernetesClient): Promise<void> {
  await client.get(RESOURCES.virtualServices, "a", "b");
  await client.list(RESOURCES.destinationRules, "a");
  await client.create(RESOURCES.virtualServices, "a", {});
  await client.patch(RESOURCES.virtualServices, "a", "b", { type: "json", body: [] });
  await client.delete(RESOURCES.virtualServices, "a", "b");
  client.watch(RESOURCES.virtualServices, "a", { timeoutSeconds: 1 }, new AbortController().signal);
  await client.get(RESOURCES.pods, "a", "b");
}

const groupWith = (...versions: readonly string[]) => ({ kind: "APIGroup", versions: versions.map((version) => ({ version })) });

describe("Istio's API", () => {
  test.each([
    [["v1", "v1beta1", "v1alpha3"], "v1"],
    [["v1beta1", "v1alpha3"], "v1beta1"],
    [["v2"], "v1"],
  ])("of the versions %j is asked for at %s, by every verb; other groups stay as they are", async (versions, expected) => {
    const { client, asked } = await clientWith(() => groupWith(...versions));
    await ask(client);
    expect(asked).toEqual([
      "/apis/networking.istio.io",
      ...["get virtualservices", "list destinationrules", "create virtualservices", "patch virtualservices", "delete virtualservices", "watch virtualservices"].map((what) => `${what} ${expected}`),
      "get pods v1",
    ]);
  });

  test("is asked for at v1 where it is not installed", async () => {
    const { client, asked } = await clientWith(() => {
      throw new ApiError("no such group", 404, "NotFound");
    });
    await ask(client);
    expect(asked).toContain("get virtualservices v1");
  });

  test("that cannot be asked about is the caller's trouble", async () => {
    const trouble = clientWith(() => {
      throw new Unreachable("gone");
    });
    await expect(trouble).rejects.toBeInstanceOf(Unreachable);
  });
});
