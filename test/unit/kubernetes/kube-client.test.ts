/** The client: what it sends, and what it makes of the answers. */
import { afterEach, describe, expect, test } from "vitest";
import { RESOURCES, type KubernetesClient, type WatchEvent } from "../../../src/kubernetes/client.ts";
import { ApiError, Conflict, Unreachable } from "../../../src/kubernetes/errors.ts";
import { createKubernetesClient } from "../../../src/kubernetes/kube-client.ts";
import { linesOf } from "../../../src/kubernetes/lines.ts";
import { createTransport } from "../../../src/kubernetes/transport.ts";
import { answerJson, refuse, startScriptedServer, type Asked, type ScriptedServer } from "../../support/scripted-server.ts";
import { until } from "../../support/until.ts";

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function clientOf(answer: (asked: Asked, index: number) => void): Promise<{ client: KubernetesClient; server: ScriptedServer }> {
  const server = await startScriptedServer(answer);
  const transport = createTransport(server.connection, { userAgent: "weir/test" });
  ended.push(server.close, transport.close);
  return { client: createKubernetesClient(transport), server };
}

const POD = { metadata: { name: "b", namespace: "a" }, unknownField: { kept: true } };

describe("a request", () => {
  const calls: readonly [string, (client: KubernetesClient) => Promise<unknown>, Partial<Asked>][] = [
    ["get", (client) => client.get(RESOURCES.pods, "a", "b"), { method: "GET", path: "/api/v1/namespaces/a/pods/b" }],
    ["get of a cluster's object", (client) => client.get(RESOURCES.customResourceDefinitions, undefined, "x.y"), { method: "GET", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x.y" }],
    ["list", (client) => client.list(RESOURCES.pods, undefined, { limit: 5, continue: "a/b=", labelSelector: "x in (y,z)" }), { method: "GET", path: "/api/v1/pods?labelSelector=x+in+%28y%2Cz%29&limit=5&continue=a%2Fb%3D" }],
    ["list of everything", (client) => client.list(RESOURCES.rollouts, "a"), { method: "GET", path: "/apis/weir.dev/v1alpha1/namespaces/a/rollouts" }],
    ["create", (client) => client.create(RESOURCES.pods, "a", POD, { fieldManager: "weir" }), { method: "POST", path: "/api/v1/namespaces/a/pods?fieldManager=weir", body: JSON.stringify(POD) }],
    ["JSON patch", (client) => client.patch(RESOURCES.rollouts, "a", "b", { type: "json", body: [] }, { dryRun: true }), { method: "PATCH", path: "/apis/weir.dev/v1alpha1/namespaces/a/rollouts/b?dryRun=All", body: "[]" }],
    ["merge patch of the status", (client) => client.patch(RESOURCES.rollouts, "a", "b", { type: "merge", body: {} }, { subresource: "status" }), { method: "PATCH", path: "/apis/weir.dev/v1alpha1/namespaces/a/rollouts/b/status" }],
    ["apply", (client) => client.patch(RESOURCES.rollouts, "a", "b", { type: "apply", body: {}, force: true }, { fieldManager: "weir" }), { method: "PATCH", path: "/apis/weir.dev/v1alpha1/namespaces/a/rollouts/b?fieldManager=weir&force=true" }],
    ["delete", (client) => client.delete(RESOURCES.services, "a", "b"), { method: "DELETE", path: "/api/v1/namespaces/a/services/b" }],
    ["anything else", (client) => client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { a: 1 }), { method: "POST", path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: '{"a":1}' }],
  ];

  test.each(calls)("for %s goes where the API has it", async (_, call, expected) => {
    const { client, server } = await clientOf((asked) => answerJson(asked, 200, POD));
    await call(client);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toMatchObject(expected);
  });

  test.each([
    ["json", [], "application/json-patch+json"],
    ["merge", {}, "application/merge-patch+json"],
    ["apply", {}, "application/apply-patch+yaml"],
  ] as const)("with a %s patch says which kind it is", async (type, body, expected) => {
    const { client, server } = await clientOf((asked) => answerJson(asked, 200, POD));
    await client.patch(RESOURCES.pods, "a", "b", { type, body } as never);
    expect(server.asked[0]?.headers["content-type"]).toBe(expected);
  });

  test("gives back every field of the object", async () => {
    const { client } = await clientOf((asked) => answerJson(asked, 200, POD));
    expect(await client.get(RESOURCES.pods, "a", "b")).toEqual(POD);
  });
});

describe("a refusal", () => {
  test.each([
    [404, "NotFound"],
    [403, "Forbidden"],
    [400, "BadRequest"],
  ])("with %i is an ApiError with the server's reason and sentence", async (status, reason) => {
    const { client } = await clientOf((asked) => refuse(asked, status, reason, 'pods "b" is not for you'));
    const error = await client.get(RESOURCES.pods, "a", "b").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status, reason, message: `get /api/v1/namespaces/a/pods/b: ${status} pods "b" is not for you` });
  });

  test("with 409 is a Conflict", async () => {
    const { client } = await clientOf((asked) => refuse(asked, 409, "Conflict", "the object has been modified"));
    await expect(client.patch(RESOURCES.pods, "a", "b", { type: "merge", body: {} })).rejects.toBeInstanceOf(Conflict);
  });

  const failedTest = { kind: "Status", message: "the server rejected our request due to an error in our request", reason: "Invalid", details: {}, code: 422 };
  const invalid = { kind: "Status", message: 'Rollout "b" is invalid', reason: "Invalid", details: { causes: [{ field: "status.phase" }] }, code: 422 };

  test("of a JSON patch whose test fails is a Conflict", async () => {
    const { client } = await clientOf((asked) => answerJson(asked, 422, failedTest));
    await expect(client.patch(RESOURCES.pods, "a", "b", { type: "json", body: [] })).rejects.toBeInstanceOf(Conflict);
  });

  test("of an object that is invalid is not a Conflict, whichever patch made it so", async () => {
    const { client } = await clientOf((asked) => answerJson(asked, 422, invalid));
    await expect(client.patch(RESOURCES.pods, "a", "b", { type: "json", body: [] })).rejects.toMatchObject({ name: "ApiError", status: 422, reason: "Invalid" });
    await expect(client.patch(RESOURCES.pods, "a", "b", { type: "merge", body: {} })).rejects.toMatchObject({ name: "ApiError", status: 422 });
  });

  test("by something that is no API server is quoted, and not for long", async () => {
    const { client } = await clientOf(({ response }) => response.writeHead(403).end(`<html>${"x".repeat(500)}`));
    const error = await client.get(RESOURCES.pods, "a", "b").catch((thrown: unknown) => thrown as ApiError);
    expect(error).toMatchObject({ name: "ApiError", status: 403, reason: "Unknown" });
    expect((error as ApiError).message.length).toBeLessThan(300);
  });

  test("is also an answer of success that is no JSON", async () => {
    const { client } = await clientOf(({ response }) => response.writeHead(200).end("<html>sign in</html>"));
    await expect(client.get(RESOURCES.pods, "a", "b")).rejects.toMatchObject({ name: "ApiError", reason: "NotJson" });
  });
});

describe("a watch", () => {
  const event = (name: string, version: string): WatchEvent => ({ type: "MODIFIED", object: { metadata: { name, resourceVersion: version } } });
  const take = async (client: KubernetesClient, signal = new AbortController().signal): Promise<readonly WatchEvent[]> => {
    const events: WatchEvent[] = [];
    for await (const one of client.watch(RESOURCES.pods, "a", { resourceVersion: "7", timeoutSeconds: 300 }, signal)) events.push(one);
    return events;
  };

  test("asks for bookmarks, from where it was, for a bounded time", async () => {
    const { client, server } = await clientOf(({ response }) => response.writeHead(200).end());
    expect(await take(client)).toEqual([]);
    expect(Object.fromEntries(server.asked[0]?.query ?? [])).toEqual({ watch: "true", allowWatchBookmarks: "true", timeoutSeconds: "300", resourceVersion: "7" });
  });

  test("yields events wherever the stream was cut, in the middle of a character too", async () => {
    const events = [event("a", "8"), event("ü€😀", "9")];
    const bytes = Buffer.from(events.map((one) => `${JSON.stringify(one)}\n`).join("\n"));
    const { client } = await clientOf(({ response }) => {
      response.writeHead(200);
      for (const byte of bytes) response.write(Buffer.from([byte]));
      response.end();
    });
    expect(await take(client)).toEqual(events);
  });

  test("returns when its signal aborts, and hangs up", async () => {
    const { client, server } = await clientOf(({ response }) => response.writeHead(200).write(`${JSON.stringify(event("a", "8"))}\n`));
    const controller = new AbortController();
    for await (const one of client.watch(RESOURCES.pods, "a", { timeoutSeconds: 300 }, controller.signal)) {
      expect(one.object.metadata.name).toBe("a");
      controller.abort();
    }
    await until(() => server.open() === 0);
  });

  test("returns at once when its signal has aborted before", async () => {
    const { client, server } = await clientOf(({ response }) => response.writeHead(200).end());
    expect(await take(client, AbortSignal.abort())).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  test("hangs up when the caller stops reading", async () => {
    const { client, server } = await clientOf(({ response }) => response.writeHead(200).write(`${JSON.stringify(event("a", "8"))}\n`));
    for await (const one of client.watch(RESOURCES.pods, "a", { timeoutSeconds: 300 }, new AbortController().signal)) {
      expect(one.type).toBe("MODIFIED");
      break;
    }
    await until(() => server.open() === 0);
  });

  test("throws Unreachable when the connection breaks", async () => {
    const { client } = await clientOf(({ response }) => response.writeHead(200).write("\n", () => response.socket?.resetAndDestroy()));
    await expect(take(client)).rejects.toBeInstanceOf(Unreachable);
  });

  test("throws the refusal when it is refused", async () => {
    const { client } = await clientOf((asked) => refuse(asked, 410, "Expired", "too old resource version"));
    await expect(take(client)).rejects.toMatchObject({ name: "ApiError", status: 410, reason: "Expired" });
  });

  test("throws at a line that is no JSON, and does not pass it over", async () => {
    const { client } = await clientOf(({ response }) => response.writeHead(200).end('{"type":"ADD\n'));
    await expect(take(client)).rejects.toBeInstanceOf(SyntaxError);
  });
});

describe("lines", () => {
  async function* from(...chunks: string[]): AsyncGenerator<string> {
    yield* chunks;
  }

  async function all(lines: AsyncIterable<string>): Promise<readonly string[]> {
    const taken: string[] = [];
    for await (const line of lines) taken.push(line);
    return taken;
  }

  test("are of bounded length, with their end and without", async () => {
    expect(await all(linesOf(from("ab", "c\n", "\n", "de\nf"), 3))).toEqual(["abc", "de"]);
    await expect(all(linesOf(from("ab", "cd"), 3))).rejects.toThrow("a line is longer than 3 characters");
    await expect(all(linesOf(from("abcd\n"), 3))).rejects.toThrow("a line is longer than 3 characters");
  });
});
