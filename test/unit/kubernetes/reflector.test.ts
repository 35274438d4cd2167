/** The reflector against every way in which a server lets its watchers down. */
import { afterEach, describe, expect, test } from "vitest";
import { RESOURCES, type KubernetesObject } from "../../../src/kubernetes/client.ts";
import { createKubernetesClient } from "../../../src/kubernetes/kube-client.ts";
import { createReflector, type Reflector, type Sink } from "../../../src/kubernetes/reflector.ts";
import { createTransport } from "../../../src/kubernetes/transport.ts";
import { createFakeTime, type FakeTime } from "../../support/fake-time.ts";
import { answerJson, refuse, startScriptedServer, type Asked, type ScriptedServer } from "../../support/scripted-server.ts";
import { createSilentLog } from "../../support/silent-log.ts";
import { until } from "../../support/until.ts";

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const pod = (name: string, resourceVersion: string): KubernetesObject => ({ metadata: { name, namespace: "a", resourceVersion } });
const isWatch = ({ query }: Asked): boolean => query.has("watch");
const list = (asked: Asked, version: string, ...items: KubernetesObject[]): void => answerJson(asked, 200, { metadata: { resourceVersion: version }, items });
const begin = ({ response }: Asked): void => void response.writeHead(200).flushHeaders();
const tell = ({ response }: Asked, type: string, object: unknown): void => void response.write(`${JSON.stringify({ type, object })}\n`);

interface Followed {
  readonly server: ScriptedServer;
  readonly reflector: Reflector;
  readonly time: FakeTime;
  /** What the sink was told, as words. */
  readonly told: readonly string[];
  readonly log: ReturnType<typeof createSilentLog>;
  watches(): readonly Asked[];
  lists(): readonly Asked[];
  /** The watch that is open now, once there are `count` of them. */
  watch(count: number): Promise<Asked>;
}

async function follow(answer: (asked: Asked, index: number) => void, sink: Partial<Sink> = {}): Promise<Followed> {
  const server = await startScriptedServer(answer);
  const time = createFakeTime();
  const log = createSilentLog();
  const told: string[] = [];
  const nameOf = ({ metadata }: KubernetesObject): string => `${metadata.name}@${metadata.resourceVersion}`;
  const transport = createTransport(server.connection, { userAgent: "weir/test", time, random: () => 0 });
  const reflector = createReflector({
    client: createKubernetesClient(transport),
    resource: RESOURCES.pods,
    sink: {
      replace: (objects, version) => void told.push(`replace ${objects.map(nameOf).join(" ")} at ${version}`),
      upsert: (object) => void told.push(`upsert ${nameOf(object)}`),
      remove: (object) => void told.push(`remove ${nameOf(object)}`),
      advance: (version) => void told.push(`advance ${version}`),
      ...sink,
    },
    trim: ({ metadata }) => ({ metadata }),
    logger: log,
    time,
    random: () => 0,
  });
  ended.push(server.close, transport.close, reflector.stop);
  reflector.start();
  const watches = (): readonly Asked[] => server.asked.filter(isWatch);
  return {
    server, reflector, time, told, log, watches,
    lists: () => server.asked.filter((asked) => !isWatch(asked)),
    async watch(count) {
      await until(() => watches().length >= count);
      return watches()[count - 1]!;
    },
  };
}

/** Lets time pass in small steps, the network having a moment in each, until `isEnough`; how long that took. */
async function passUntil(time: FakeTime, isEnough: () => unknown, limitMs = 600_000, stepMs = 250): Promise<number> {
  let passedMs = 0;
  for (; !isEnough() && passedMs < limitMs; passedMs += stepMs) {
    await time.advance(stepMs);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  return passedMs;
}

const pass = (time: FakeTime, totalMs: number, stepMs?: number): Promise<number> => passUntil(time, () => false, totalMs, stepMs);

/** Answers lists with nothing, and hands watches on. */
const watched = (answer: (asked: Asked) => void) => (asked: Asked): void => (isWatch(asked) ? answer(asked) : list(asked, "10"));

describe("a reflector", () => {
  test("lists in pages, then watches from there", async () => {
    const followed = await follow((asked) => {
      if (isWatch(asked)) begin(asked);
      else if (asked.query.get("continue") === null) answerJson(asked, 200, { metadata: { resourceVersion: "10", continue: "next" }, items: [pod("one", "3")] });
      else list(asked, "10", pod("two", "4"));
    });
    await followed.reflector.synced;
    expect(followed.told).toEqual(["replace one@3 two@4 at 10"]);
    expect(followed.lists().map(({ query }) => [query.get("limit"), query.get("continue")])).toEqual([["500", null], ["500", "next"]]);
    expect((await followed.watch(1)).query.get("resourceVersion")).toBe("10");
  });

  test("passes on what the watch tells, and goes on from its last word", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    tell(watch, "ADDED", pod("one", "11"));
    tell(watch, "MODIFIED", pod("one", "12"));
    tell(watch, "DELETED", pod("one", "13"));
    tell(watch, "BOOKMARK", pod("", "20"));
    await until(() => followed.told.length === 5);
    expect(followed.told.slice(1)).toEqual(["upsert one@11", "upsert one@12", "remove one@13", "advance 20"]);
    await followed.time.advance(6_000);
    watch.response.end();
    expect((await followed.watch(2)).query.get("resourceVersion")).toBe("20");
    expect(followed.lists()).toHaveLength(1);
  });

  test("renews a watch that lived for a while at once, also when it broke", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    tell(watch, "ADDED", pod("one", "11"));
    await until(() => followed.told.length === 2);
    await followed.time.advance(6_000);
    watch.response.socket?.resetAndDestroy();
    expect((await followed.watch(2)).query.get("resourceVersion")).toBe("11");
  });

  test("does not hammer a server that closes every watch at once", async () => {
    const followed = await follow(watched(({ response }) => response.writeHead(200).end()));
    await followed.watch(1);
    await pass(followed.time, 60_000);
    expect(followed.watches().length).toBeGreaterThan(2);
    expect(followed.watches().length).toBeLessThan(9);
    expect(followed.lists()).toHaveLength(1);
  });

  test("hears a server again within five seconds of its return, however long it was away", async () => {
    let isAway = true;
    const followed = await follow(watched((asked) => (isAway ? void asked.response.socket?.resetAndDestroy() : begin(asked))));
    await followed.watch(1);
    await pass(followed.time, 120_000);
    const tried = followed.watches().length;
    expect(tried).toBeLessThan(60);
    isAway = false;
    expect(await passUntil(followed.time, () => followed.watches().length > tried)).toBeLessThanOrEqual(5_250);
    expect(followed.lists(), "its place was kept").toHaveLength(1);
  });

  test("is patient no longer once a watch has been healthy again", async () => {
    const followed = await follow(watched((asked) => (followed.watches().length === 6 ? begin(asked) : void asked.response.writeHead(200).end())));
    expect(await passUntil(followed.time, () => followed.watches().length === 6)).toBeGreaterThanOrEqual(30_000);
    await pass(followed.time, 6_000);
    followed.watches()[5]?.response.end();
    expect(await passUntil(followed.time, () => followed.watches().length === 8)).toBeLessThan(10_000);
  });

  test("lists again, and not too often, when its place is too old", async () => {
    const followed = await follow(watched((asked) => refuse(asked, 410, "Expired")));
    await followed.watch(1);
    await pass(followed.time, 60_000);
    expect(followed.lists().length).toBeGreaterThan(2);
    expect(followed.lists().length).toBeLessThan(9);
  });

  test("lists again when the stream says that its place is too old", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    tell(watch, "ERROR", { kind: "Status", message: "too old resource version", reason: "Expired", code: 410 });
    await until(() => followed.log.lines.length === 1);
    await passUntil(followed.time, () => followed.watches().length === 2);
    expect(followed.lists()).toHaveLength(2);
  });

  test("begins the list anew when a page has expired", async () => {
    const followed = await follow((asked, index) => {
      if (isWatch(asked)) begin(asked);
      else if (index === 0) answerJson(asked, 200, { metadata: { resourceVersion: "9", continue: "next" }, items: [pod("gone", "3")] });
      else if (index === 1) refuse(asked, 410, "Expired");
      else list(asked, "10", pod("two", "4"));
    });
    await passUntil(followed.time, () => followed.watches().length === 1);
    expect(followed.told).toEqual(["replace two@4 at 10"]);
  });

  test("notices a peer that has fallen silent, and asks anew from where it was", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    tell(watch, "BOOKMARK", pod("", "15"));
    await until(() => followed.told.length === 2);
    await followed.time.advance(89_000);
    expect(followed.watches()).toHaveLength(1);
    await followed.time.advance(1_000);
    expect((await followed.watch(2)).query.get("resourceVersion")).toBe("15");
    await until(() => followed.server.open() <= 2);
  });

  test("keeps a quiet watch as long as bookmarks come", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    for (let minute = 1; minute <= 5; minute++) {
      await followed.time.advance(60_000);
      tell(watch, "BOOKMARK", pod("", `${20 + minute}`));
      await until(() => followed.told.length === 1 + minute);
    }
    expect(followed.watches()).toHaveLength(1);
  });

  test("outlasts a server that accepts connections and answers nothing", async () => {
    const followed = await follow((asked, index) => (index === 0 ? undefined : isWatch(asked) ? begin(asked) : list(asked, "10")));
    await until(() => followed.server.asked.length === 1);
    await passUntil(followed.time, () => followed.watches().length === 1);
    expect(followed.lists()).toHaveLength(2);
  });

  test("outlasts a server whose watches never open", async () => {
    const followed = await follow(watched((asked) => (followed.watches().length < 3 ? undefined : begin(asked))));
    await passUntil(followed.time, () => followed.watches().length === 3);
    expect(followed.lists()).toHaveLength(1);
  });

  test("outlasts refused connections, forbidden lists and errors of the server", async () => {
    const followed = await follow((asked, index) => {
      if (isWatch(asked)) begin(asked);
      else if (index < 2) refuse(asked, 403, "Forbidden");
      else if (index < 7) refuse(asked, 500, "InternalError");
      else list(asked, "10");
    });
    await passUntil(followed.time, () => followed.watches().length === 1);
    expect(followed.told).toEqual(["replace  at 10"]);
    expect(followed.log.lines.some(({ level }) => level === "warn")).toBe(true);
  });

  test("does not pass over a line that is no JSON: it lists again", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    watch.response.write('{"type":"ADDED","object":\n');
    await until(() => followed.log.lines.length === 1);
    await passUntil(followed.time, () => followed.watches().length === 2);
    expect(followed.lists()).toHaveLength(2);
  });

  test("is not ended by a sink that throws, and goes on with the next object", async () => {
    const names: string[] = [];
    const followed = await follow(watched(begin), {
      upsert({ metadata }) {
        if (metadata.name === "bad") throw new Error("cannot take it");
        names.push(metadata.name);
      },
    });
    const watch = await followed.watch(1);
    tell(watch, "ADDED", pod("bad", "11"));
    tell(watch, "ADDED", pod("good", "12"));
    await until(() => names.includes("good"));
    expect(followed.log.lines).toMatchObject([{ level: "error" }]);
    expect(followed.watches()).toHaveLength(1);
  });

  test("that is started twice watches once", async () => {
    const followed = await follow(watched(begin));
    followed.reflector.start();
    await followed.reflector.synced;
    await followed.watch(1);
    await pass(followed.time, 5_000);
    expect([followed.lists().length, followed.watches().length]).toEqual([1, 1]);
  });

  test("takes a kind that the server does not know for empty, and asks again", async () => {
    const followed = await follow((asked, index) => (isWatch(asked) ? begin(asked) : index === 0 ? refuse(asked, 404, "NotFound") : list(asked, "10", pod("one", "3"))));
    await followed.reflector.synced;
    expect(followed.told).toEqual(["replace  at undefined"]);
    await passUntil(followed.time, () => followed.watches().length === 1);
    expect(followed.told.at(-1)).toBe("replace one@3 at 10");
  });

  test("asks ever less often for a kind that nobody has installed, but not for one that was there", async () => {
    const absent = await follow((asked) => refuse(asked, 404, "NotFound"));
    const gone = await follow((asked, index) => (index === 0 ? list(asked, "10", pod("one", "3")) : refuse(asked, 404, "NotFound")));
    for (const { reflector, time } of [absent, gone]) {
      await reflector.synced;
      await pass(time, 1_800_000, 1_000);
    }
    expect(absent.lists().length).toBeLessThan(20);
    expect(gone.lists().length).toBeGreaterThan(40);
  });

  test("keeps what it knows when a kind goes away later: the server may only be starting", async () => {
    const followed = await follow((asked, index) => (index === 0 ? list(asked, "10", pod("one", "3")) : refuse(asked, 404, "NotFound")));
    await followed.reflector.synced;
    await until(() => followed.log.lines.length === 1);
    await pass(followed.time, 10_000);
    expect(followed.told).toEqual(["replace one@3 at 10"]);
  });
});

describe("a stopped reflector", () => {
  test("hangs up and leaves no timer", async () => {
    const followed = await follow(watched(begin));
    const watch = await followed.watch(1);
    followed.reflector.stop();
    await until(() => watch.response.destroyed);
    expect(followed.time.pending()).toBe(0);
    await pass(followed.time, 120_000, 10_000);
    expect(followed.server.asked).toHaveLength(2);
  });

  test("opens no watch when it was stopped while its list was under way", async () => {
    const followed = await follow(() => undefined);
    await until(() => followed.server.asked.length === 1);
    followed.reflector.stop();
    list(followed.server.asked[0]!, "10", pod("one", "3"));
    await expect(followed.reflector.synced).rejects.toThrow("The cache of pods was stopped before it had been filled");
    await until(() => followed.time.pending() === 0);
    await pass(followed.time, 60_000, 10_000);
    expect(followed.server.asked).toHaveLength(1);
    expect(followed.told).toEqual([]);
  });

  test("opens no watch when it was stopped while one was being opened", async () => {
    const followed = await follow(watched(() => undefined));
    const watch = await followed.watch(1);
    followed.reflector.stop();
    await until(() => watch.response.destroyed);
    await pass(followed.time, 60_000, 10_000);
    expect(followed.watches()).toHaveLength(1);
    expect(followed.time.pending()).toBe(0);
  });

  test("does not come back from a back-off", async () => {
    const followed = await follow((asked) => refuse(asked, 403, "Forbidden"));
    await until(() => followed.log.lines.length === 1);
    followed.reflector.stop();
    expect(followed.time.pending()).toBe(0);
    await pass(followed.time, 60_000, 10_000);
    expect(followed.server.asked).toHaveLength(1);
  });
});
