/** The store: what the watch tells and what our own writes answered, in whatever order they come. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { createObjectStore, type ObjectChange } from "../../../src/kubernetes/object-store.ts";
import { isNewer } from "../../../src/kubernetes/resource-version.ts";
import { createSilentLog } from "../../support/silent-log.ts";

const pod = (name: string, version: number | string, namespace = "a"): KubernetesObject => ({ metadata: { name, namespace, resourceVersion: `${version}` } });
const versionIn = (store: ReturnType<typeof createObjectStore>, name: string): string | undefined => store.get("a", name)?.metadata.resourceVersion;

function recorded() {
  const store = createObjectStore(createSilentLog());
  const changes: string[] = [];
  store.onChange(({ kind, object, previous }: ObjectChange) => changes.push(`${kind} ${object.metadata.name}@${object.metadata.resourceVersion}${previous ? ` was ${previous.metadata.resourceVersion}` : ""}`));
  return { store, changes };
}

describe("a resourceVersion", () => {
  test.each([
    ["10", "9", true],
    ["9", "10", false],
    ["10", "10", false],
    ["123456789012345678901", "123456789012345678900", true],
    ["10", undefined, false],
    [undefined, "10", false],
    ["b", "a", false],
    ["10", "a", false],
    ["", "1", false],
  ])("%s is newer than %s: %s", (version, than, expected) => {
    expect(isNewer(version, than)).toBe(expected);
  });
});

describe("the store", () => {
  test("finds objects by namespace and name, and cluster's objects without namespace", () => {
    const { store } = recorded();
    store.replace([pod("one", 1), pod("two", 2), pod("one", 3, "b"), { metadata: { name: "wide", resourceVersion: "4" } }], "5");
    expect(store.get("b", "one")).toEqual(pod("one", 3, "b"));
    expect(store.list("a").map(({ metadata }) => metadata.name)).toEqual(["one", "two"]);
    expect(store.list("c")).toEqual([]);
    expect(store.get("", "wide")?.metadata.name).toBe("wide");
    expect(store.all()).toHaveLength(4);
  });

  test("tells each change once, with what was there before", () => {
    const { store, changes } = recorded();
    store.replace([pod("one", 1)], "5");
    store.upsert(pod("one", 6));
    store.upsert(pod("one", 6));
    store.replace([pod("one", 6), pod("two", 7)], "8");
    store.remove(pod("one", 9));
    store.remove(pod("one", 9));
    store.replace([], "10");
    expect(changes).toEqual(["added one@1", "modified one@6 was 1", "added two@7", "deleted one@9 was 6", "deleted two@7 was 7"]);
  });

  test("goes on after a listener that throws, and does not call one that left", () => {
    const log = createSilentLog();
    const store = createObjectStore(log);
    const heard: string[] = [];
    store.onChange(() => {
      throw new Error("not me");
    });
    const leave = store.onChange(({ kind }) => heard.push(kind));
    store.upsert(pod("one", 1));
    leave();
    store.upsert(pod("one", 2));
    expect(heard).toEqual(["added"]);
    expect(log.lines.map(({ level }) => level)).toEqual(["error", "error"]);
  });
});

describe("the answer to a write of our own", () => {
  test("is seen at once, and the watch's older word does not take it back", () => {
    const { store, changes } = recorded();
    store.replace([pod("one", 1)], "5");
    store.put(pod("one", 8));
    store.upsert(pod("one", 7));
    store.upsert(pod("one", 8));
    expect(versionIn(store, "one")).toBe("8");
    expect(changes).toEqual(["added one@1", "modified one@8 was 1"]);
  });

  test("that comes late does not take back what the watch told since", () => {
    const { store } = recorded();
    store.replace([pod("one", 1)], "5");
    store.upsert(pod("one", 9));
    store.put(pod("one", 8));
    expect(versionIn(store, "one")).toBe("9");
  });

  test("that comes late does not bring back what was deleted since", () => {
    const { store } = recorded();
    store.replace([pod("one", 1)], "5");
    store.remove(pod("one", 9));
    store.put(pod("one", 8));
    expect(versionIn(store, "one")).toBeUndefined();
  });

  test("outlives the word that its predecessor was deleted, and a list that is older", () => {
    const { store } = recorded();
    store.replace([pod("one", 1)], "5");
    store.put(pod("one", 12));
    store.remove(pod("one", 9));
    store.replace([], "10");
    expect(versionIn(store, "one")).toBe("12");
    store.replace([], "12");
    expect(versionIn(store, "one")).toBeUndefined();
  });

  test("is not believed before the first list, nor where versions cannot be compared", () => {
    const { store } = recorded();
    store.put(pod("one", 3));
    expect(versionIn(store, "one")).toBeUndefined();
    store.replace([pod("one", "x7")], "x9");
    store.put(pod("one", "x8"));
    expect(versionIn(store, "one")).toBe("x7");
    store.upsert(pod("one", "x6"));
    expect(versionIn(store, "one")).toBe("x6");
  });
});

describe("whatever the order of watch and writes", () => {
  /** One history of the server: at each version one of three pods is written or deleted; our own writes are answered some time later, or never. */
  const history = fc.array(
    fc.record({ name: fc.constantFrom("one", "two", "three"), deletes: fc.boolean(), ours: fc.boolean(), answeredAfter: fc.integer({ min: -3, max: 6 }) }),
    { maxLength: 40 },
  );

  test("no object goes back, and in the end the store is what the server has", () => {
    fc.assert(
      fc.property(history, (writes) => {
        const store = createObjectStore(createSilentLog());
        const newest = new Map<string, number>();
        let wentBack = false;
        store.onChange(({ object: { metadata } }) => {
          const version = Number(metadata.resourceVersion);
          wentBack ||= version < (newest.get(metadata.name) ?? 0);
          newest.set(metadata.name, version);
        });
        store.replace([], "1");
        const versionOf = (index: number): number => index + 2;
        for (let turn = -3; turn < writes.length + 7; turn++) {
          // The watch tells write number `turn`; answers come up to three turns before that, or up to six after.
          writes.forEach((write, index) => {
            if (write.ours && !write.deletes && index + write.answeredAfter === turn) store.put(pod(write.name, versionOf(index)));
          });
          const write = writes[turn];
          if (write?.deletes) store.remove(pod(write.name, versionOf(turn)));
          else if (write) store.upsert(pod(write.name, versionOf(turn)));
        }
        const truth = new Map<string, string>();
        writes.forEach((write, index) => (write.deletes ? truth.delete(write.name) : truth.set(write.name, `${versionOf(index)}`)));
        const kept = new Map(store.all().map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
        expect(wentBack).toBe(false);
        expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(truth));
      }),
      { numRuns: 500 },
    );
  });
});
