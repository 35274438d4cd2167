/** Many questions, few queries, and each asker gets what it would have got alone. */
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/metrics/prometheus/answer.ts";
import { createBatcher, type Batcher } from "../../../src/metrics/prometheus/batcher.ts";
import type { Names } from "../../../src/metrics/prometheus/dialect.ts";
import { PrometheusError } from "../../../src/metrics/prometheus/prometheus-error.ts";
import type { Shape } from "../../../src/metrics/prometheus/shapes.ts";
import type { Target } from "../../../src/metrics/prometheus/targets.ts";
import { until } from "../../support/until.ts";

/** Asks for names and gets them back, so that an answer tells whom it was for. */
const ECHO: Shape<string> = {
  id: "echo",
  promql: (all) => all.map(({ canary }) => canary.join("+")).join(" "),
  reader: () => ({ canary }) => canary.join("+"),
  weight: () => 1,
};
const AT_MS = 60_000;
const EMPTY: Answer = { type: "vector", samples: [] };

function names(...canary: readonly string[]): Names {
  return { namespace: "shop", canary, stable: [] };
}

interface FakeTarget extends Target {
  readonly queries: string[];
  readonly aborted: string[];
}

function fakeTarget(respond: (promql: string) => Promise<Answer> = () => Promise.resolve(EMPTY), key = "one"): FakeTarget {
  const queries: string[] = [];
  const aborted: string[] = [];
  return {
    key, queries, aborted,
    queryRange: async () => EMPTY,
    query: async (promql, _instantMs, signal) => {
      signal.throwIfAborted();
      queries.push(promql);
      signal.addEventListener("abort", () => aborted.push(promql));
      return respond(promql);
    },
  };
}

function batcher(options: Partial<Parameters<typeof createBatcher>[0]> = {}): Batcher {
  return createBatcher({ collectMs: 5, maxNames: 200, maxRemembered: 1_000, ...options });
}

const FOREVER = new AbortController().signal;

describe("a batch", () => {
  it("asks once for all who ask the same at one instant", async () => {
    const target = fakeTarget();
    const { ask } = batcher();
    const answers = await Promise.all(["a", "b", "c"].map((name) => ask(target, ECHO, names(name), AT_MS, FOREVER)));
    expect(answers).toEqual(["a", "b", "c"]);
    expect(target.queries).toEqual(["a b c"]);
  });

  it("tells first whose answer looks worst", async () => {
    const { ask } = batcher();
    const shape: Shape<string> = { ...ECHO, id: "suspicious", suspicion: (name) => name.length };
    const told: string[] = [];
    await Promise.all(["a", "bbb", "cc"].map((name) => ask(fakeTarget(), shape, names(name), AT_MS, FOREVER).then((answer) => told.push(answer))));
    expect(told).toEqual(["bbb", "cc", "a"]);
  });

  it("names a Rollout once, however many of its checks ask", async () => {
    const target = fakeTarget();
    const { ask } = batcher();
    expect(await Promise.all([1, 2].map(() => ask(target, ECHO, names("a"), AT_MS, FOREVER)))).toEqual(["a", "a"]);
    expect(target.queries).toEqual(["a"]);
  });

  it("is kept apart by instant, by shape and by Prometheus", async () => {
    const [one, other] = [fakeTarget(), fakeTarget(undefined, "two")];
    const { ask } = batcher();
    await Promise.all([
      ask(one, ECHO, names("a"), AT_MS, FOREVER),
      ask(one, ECHO, names("b"), AT_MS + 1, FOREVER),
      ask(one, { ...ECHO, id: "another" }, names("c"), AT_MS, FOREVER),
      ask(other, ECHO, names("d"), AT_MS, FOREVER),
    ]);
    expect(one.queries.toSorted()).toEqual(["a", "b", "c"]);
    expect(other.queries).toEqual(["d"]);
  });

  it("holds at most so many names, and a Rollout's own stay together", async () => {
    const target = fakeTarget();
    const { ask } = batcher({ maxNames: 3 });
    await Promise.all([names("a", "b"), names("c"), names("d", "e"), names("f", "g", "h", "i")].map((some) => ask(target, ECHO, some, AT_MS, FOREVER)));
    expect(target.queries.toSorted()).toEqual(["a+b c", "d+e", "f+g+h+i"]);
  });

  it.each([
    ["badQuery", 4],
    ["execution", 4],
    ["tooLarge", 4],
    ["unreachable", 1],
    ["timeout", 1],
  ] as const)("that fails with %s is asked in %i queries", async (kind, queries) => {
    const target = fakeTarget((promql) => (promql.includes("b") ? Promise.reject(new PrometheusError(kind)) : Promise.resolve(EMPTY)));
    const { ask } = batcher();
    const outcomes = await Promise.allSettled(["a", "b", "c"].map((name) => ask(target, ECHO, names(name), AT_MS, FOREVER)));
    const alone = queries > 1;
    expect(outcomes.map(({ status }) => status)).toEqual(alone ? ["fulfilled", "rejected", "fulfilled"] : ["rejected", "rejected", "rejected"]);
    expect(target.queries).toHaveLength(queries);
  });

  it("of one is not asked twice when it fails", async () => {
    const target = fakeTarget(() => Promise.reject(new PrometheusError("badQuery")));
    await expect(batcher().ask(target, ECHO, names("a"), AT_MS, FOREVER)).rejects.toThrow(PrometheusError);
    expect(target.queries).toHaveLength(1);
  });
});

describe("who does not want to wait any more", () => {
  it("leaves at once, and the others get their answers", async () => {
    const answering = deferred<Answer>();
    const target = fakeTarget(() => answering.promise);
    const { ask } = batcher();
    const leaving = new AbortController();
    const stays = ask(target, ECHO, names("a"), AT_MS, FOREVER);
    const leaves = ask(target, ECHO, names("b"), AT_MS, leaving.signal);
    await until(() => target.queries.length === 1);
    leaving.abort(new Error("abort was commanded"));
    await expect(leaves).rejects.toThrow("abort was commanded");
    expect(target.aborted).toEqual([]);
    answering.resolve(EMPTY);
    expect(await stays).toBe("a");
  });

  it("takes the query along when nobody else waits", async () => {
    const target = fakeTarget(() => new Promise(() => undefined));
    const leaving = new AbortController();
    const leaves = batcher().ask(target, ECHO, names("b"), AT_MS, leaving.signal);
    await until(() => target.queries.length === 1);
    leaving.abort(new Error("gone"));
    await expect(leaves).rejects.toThrow("gone");
    expect(target.aborted).toEqual(["b"]);
  });

  it("spoils nothing for one who comes before the batch would have been sent", async () => {
    const target = fakeTarget();
    const { ask } = batcher();
    const leaving = new AbortController();
    const leaves = ask(target, ECHO, names("a"), AT_MS, leaving.signal);
    leaving.abort(new Error("gone"));
    await expect(leaves).rejects.toThrow("gone");
    expect(await ask(target, ECHO, names("a"), AT_MS, FOREVER)).toBe("a");
    expect(target.queries).toEqual(["a"]);
  });

  it("is not even asked for when the signal has aborted before", async () => {
    const target = fakeTarget();
    await expect(batcher().ask(target, ECHO, names("a"), AT_MS, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(target.queries).toEqual([]);
  });
});

describe("what was answered before", () => {
  it("is not asked again", async () => {
    const target = fakeTarget();
    const { ask } = batcher();
    await ask(target, ECHO, names("a"), AT_MS, FOREVER);
    expect(await ask(target, ECHO, names("a"), AT_MS, FOREVER)).toBe("a");
    expect(target.queries).toEqual(["a"]);
  });

  it("is asked again when it did not fit into memory", async () => {
    const target = fakeTarget();
    const { ask } = batcher({ maxRemembered: 2 });
    for (const name of ["a", "b", "a", "c", "a", "b"]) await ask(target, ECHO, names(name), AT_MS, FOREVER);
    expect(target.queries).toEqual(["a", "b", "c", "b"]);
  });

  it("is asked again when it was no number, and spoils no other's", async () => {
    let isBroken = true;
    const reading: Shape<string> = { ...ECHO, reader: () => ({ canary: [name = ""] }) => (isBroken && name === "a" ? fail() : name) };
    const fail = (): never => {
      throw new PrometheusError("notANumber");
    };
    const target = fakeTarget();
    const { ask } = batcher();
    const answers = await Promise.allSettled(["a", "b"].map((name) => ask(target, reading, names(name), AT_MS, FOREVER)));
    expect(answers).toMatchObject([{ status: "rejected", reason: { kind: "notANumber" } }, { status: "fulfilled", value: "b" }]);
    isBroken = false;
    expect(await ask(target, reading, names("a"), AT_MS, FOREVER)).toBe("a");
    expect(target.queries).toEqual(["a b", "a"]);
  });

  it("is asked again when it was an error", async () => {
    let calls = 0;
    const target = fakeTarget(() => (calls++ === 0 ? Promise.reject(new PrometheusError("unreachable")) : Promise.resolve(EMPTY)));
    const { ask } = batcher();
    await expect(ask(target, ECHO, names("a"), AT_MS, FOREVER)).rejects.toThrow();
    expect(await ask(target, ECHO, names("a"), AT_MS, FOREVER)).toBe("a");
  });
});

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
