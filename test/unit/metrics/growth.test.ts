/** What both sides did since an instant: every request once, whatever happens to pods, scrapes and Prometheus. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ISTIO } from "../../../src/metrics/prometheus/dialects/istio.ts";
import { requestCountsOf } from "../../../src/metrics/prometheus/error-rate.ts";
import { readGrowth } from "../../../src/metrics/prometheus/growth.ts";
import { histogramOf } from "../../../src/metrics/prometheus/latency.ts";
import { droppedIn } from "../../../src/metrics/prometheus/path.ts";
import { ofWorkloads } from "../../../src/metrics/prometheus/snapshot.ts";
import { createScrapedMesh, reporter, type ScrapedMesh } from "../../support/scraped-mesh.ts";

const OK = "v3\n200\nhttp\n";
const BAD = "v3\n503\nhttp\n";
const STABLE_OK = "v2\n200\nhttp\n";
const STABLE_BAD = "v2\n503\nhttp\n";
const GATEWAY = reporter("source", "gateway");
const POD = reporter("destination", "v3-a");
const OTHER_POD = reporter("destination", "v3-b");
const STABLE_POD = reporter("destination", "v2-a");
const T = 10_000_000;
const IN_FORCE_MS = T - 10_000;

async function growth(mesh: ScrapedMesh, sinceMs: number, instantMs: number, inForceAtMs = IN_FORCE_MS) {
  const reading = await readGrowth({ sinceMs, instantMs, inForceAtMs }, mesh.sides());
  if (reading.kind !== "grown") return reading.kind;
  const { reporter: kind, inStep, increases } = reading;
  const [canary, stable] = [["v3"], ["v2"]].map((workloads) => requestCountsOf(ofWorkloads(increases, workloads), ISTIO.requests.isBad));
  return { kind, inStep, canary, stable };
}

/** A mesh that has been watched for some minutes, by way of a caller that nobody counts. */
function watchedMesh(): ScrapedMesh {
  const mesh = createScrapedMesh();
  mesh.scrape(GATEWAY, T - 120_000, {}, { [STABLE_OK]: 1 });
  return mesh;
}

describe("both sides, as their callers report them", () => {
  it("grow by the differences of their counters", async () => {
    const mesh = watchedMesh();
    mesh.scrape(GATEWAY, T - 1_000, { [OK]: 100 }, { [STABLE_OK]: 1_000, [STABLE_BAD]: 5 });
    mesh.scrape(GATEWAY, T + 4_000, { [OK]: 190, [BAD]: 3 }, { [STABLE_OK]: 1_800, [STABLE_BAD]: 6 });
    expect(await growth(mesh, T, T + 5_000)).toEqual({ kind: "source", inStep: true, canary: { requests: 93, bad: 3 }, stable: { requests: 801, bad: 1 } });
  });

  it("count an error series from 0 that is born with the first error, on either side", async () => {
    const mesh = watchedMesh();
    mesh.scrape(GATEWAY, T, {}, { [STABLE_OK]: 1_000 });
    mesh.scrape(GATEWAY, T + 4_000, { [BAD]: 2 }, { [STABLE_OK]: 1_000, [STABLE_BAD]: 1 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 2, bad: 2 }, stable: { requests: 1, bad: 1 } });
  });

  it("do not grow without a newer scrape, however often they are asked", async () => {
    const mesh = watchedMesh();
    mesh.scrape(GATEWAY, T, { [OK]: 100 }, { [STABLE_OK]: 1_000 });
    expect(await growth(mesh, T, T + 5_000)).toBe("nothing");
    expect(await growth(mesh, T + 5_000, T + 10_000)).toBe("nothing");
  });

  it("have a scrape without a request for news", async () => {
    const mesh = watchedMesh();
    for (const atMs of [T, T + 5_000]) mesh.scrape(GATEWAY, atMs, { [OK]: 100 }, { [STABLE_OK]: 1_000 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } });
  });

  it("are told of by one kind of reporter, which the pods' own word does not change in between", async () => {
    const mesh = watchedMesh();
    mesh.scrape(POD, T, { [OK]: 100 });
    mesh.scrape(GATEWAY, T, { [OK]: 90 }, { [STABLE_OK]: 1_000 });
    mesh.scrape(POD, T + 5_000, { [OK]: 200 });
    mesh.scrape(GATEWAY, T + 5_000, { [OK]: 180 }, { [STABLE_OK]: 1_001 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ kind: "source", canary: { requests: 90 }, stable: { requests: 1 } });
  });

  it("are in step where every caller had been scraped after the weight came into force", async () => {
    const mesh = watchedMesh();
    const sidecar = reporter("source", "sidecar");
    mesh.scrape(GATEWAY, IN_FORCE_MS, { [OK]: 100 });
    mesh.scrape(sidecar, IN_FORCE_MS - 1, { [OK]: 100 });
    mesh.scrape(GATEWAY, T + 5_000, { [OK]: 110 });
    expect(await growth(mesh, T, T + 5_000), "the sidecar was not scraped again, so nothing of it is in it").toMatchObject({ inStep: true, canary: { requests: 10 } });
    mesh.scrape(sidecar, T + 5_000, { [OK]: 110 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ inStep: false, canary: { requests: 20 } });
    expect(await growth(mesh, IN_FORCE_MS - 500, T + 5_000)).toMatchObject({ inStep: false });
  });

  it("ask for more than two snapshots only where somebody came or went", async () => {
    const mesh = watchedMesh();
    mesh.scrape(GATEWAY, T, { [OK]: 100 });
    mesh.scrape(GATEWAY, T + 5_000, { [OK]: 110 });
    await growth(mesh, T, T + 5_000);
    expect(mesh.asked).toEqual({ at: 2, lastValues: 0, dropped: 0, seenBefore: 0, newestScrapeMs: 0 });
  });
});

describe("a process that starts again", () => {
  it("counts what it had reached and what it has done since, in all its series", async () => {
    const mesh = watchedMesh();
    mesh.scrape(GATEWAY, T, { [OK]: 100, [BAD]: 3 }, { [STABLE_OK]: 1_000 });
    mesh.scrape(GATEWAY, T + 2_000, { [OK]: 110, [BAD]: 3 }, { [STABLE_OK]: 1_100 });
    mesh.scrape(GATEWAY, T + 4_000, { [OK]: 5, [BAD]: 4 }, { [STABLE_OK]: 50 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 10 + 9, bad: 4 }, stable: { requests: 100 + 50, bad: 0 } });
  });

  it("is not one that forgets what nobody has asked for long", async () => {
    const mesh = watchedMesh();
    const notFound = "v2\n404\nhttp\n";
    mesh.scrape(GATEWAY, T, {}, { [STABLE_OK]: 1_000, [notFound]: 10 });
    mesh.scrape(GATEWAY, T + 2_000, {}, { [STABLE_OK]: 1_010 });
    mesh.scrape(GATEWAY, T + 4_000, {}, { [STABLE_OK]: 1_020, [notFound]: 1 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ stable: { requests: 21 } });
  });

  it("restarts a histogram's buckets together, also those that have overtaken their old values", () => {
    const pod = "destination\nbookinfo\nv3-a";
    const points = [{ "500": 3, "1000": 3, "+Inf": 1_000 }, { "500": 4, "1000": 4, "+Inf": 5 }];
    const counters = points.map((buckets) => new Map([[pod, new Map(Object.entries(buckets).map(([le, count]) => [`v3\n${le}`, count]))]]));
    expect([...droppedIn(counters, histogramOf).get(pod)!.values()]).toEqual([3, 3, 1_000]);
  });
});

describe("pods that report themselves", () => {
  function meshOfPods(): ScrapedMesh {
    const mesh = createScrapedMesh();
    mesh.scrape(STABLE_POD, T - 120_000, {}, { [STABLE_OK]: 1 });
    mesh.scrape(STABLE_POD, T, {}, { [STABLE_OK]: 1_000 });
    mesh.scrape(POD, T, { [OK]: 100 });
    return mesh;
  }

  it("are awaited until both sides have been scraped again", async () => {
    const mesh = meshOfPods();
    mesh.scrape(POD, T + 4_000, { [OK]: 110 });
    expect(await growth(mesh, T, T + 5_000)).toBe("awaited");
    mesh.scrape(STABLE_POD, T + 6_000, {}, { [STABLE_OK]: 1_100 });
    mesh.scrape(POD, T + 8_000, { [OK]: 120 });
    expect(await growth(mesh, T, T + 10_000)).toMatchObject({ kind: "destination", canary: { requests: 20 }, stable: { requests: 100 } });
  });

  it("are not awaited for ever", async () => {
    const mesh = meshOfPods();
    for (const offsetMs of [4_000, 8_000, 12_000]) mesh.scrape(POD, T + offsetMs, { [OK]: 100 + offsetMs });
    expect(await growth(mesh, T, T + 36_000)).toBe("awaited");
    expect(await growth(mesh, T, T + 37_000)).toMatchObject({ canary: { requests: 12_000 }, stable: { requests: 0 } });
  });

  it("count from 0 where they are born, and keep what they were last seen with where they die", async () => {
    const mesh = meshOfPods();
    mesh.scrape(POD, T + 2_000, { [OK]: 108, [BAD]: 2 });
    mesh.vanish(POD, T + 3_000);
    mesh.scrape(OTHER_POD, T + 4_000, { [OK]: 30, [BAD]: 1 });
    mesh.scrape(STABLE_POD, T + 4_000, {}, { [STABLE_OK]: 1_001 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 10 + 31, bad: 3 }, stable: { requests: 1 } });
  });

  it("are an origin only where they were out of sight at the beginning, but not long before", async () => {
    const mesh = meshOfPods();
    mesh.scrape(OTHER_POD, T - 60_000, { [OK]: 9_000, [BAD]: 500 });
    mesh.vanish(OTHER_POD, T - 30_000);
    for (const offsetMs of [4_000, 9_000]) {
      mesh.scrape(OTHER_POD, T + offsetMs, { [OK]: 9_010 + offsetMs, [BAD]: 501 });
      mesh.scrape(STABLE_POD, T + offsetMs, {}, { [STABLE_OK]: 1_000 });
      mesh.scrape(POD, T + offsetMs, { [OK]: 100 });
    }
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 0, bad: 0 } });
    expect(await growth(mesh, T + 5_000, T + 10_000)).toMatchObject({ canary: { requests: 5_000, bad: 0 } });
  });

  it("come through a scrape that failed as they were", async () => {
    const mesh = meshOfPods();
    mesh.vanish(POD, T + 2_000);
    for (const [who, canary, stable] of [[POD, { [OK]: 104 }, false], [STABLE_POD, {}, { [STABLE_OK]: 1_000 }]] as const) mesh.scrape(who, T + 4_000, canary, stable);
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 4 } });
  });
});

describe("a pod that several tell of", () => {
  const told = (replica: string): string => reporter("destination", "v3-a", "pods", replica);

  it("counts once, with the furthest", async () => {
    const mesh = watchedMesh();
    mesh.scrape(told("a"), T - 1_000, { [OK]: 100 });
    mesh.scrape(told("b"), T - 4_000, { [OK]: 95 });
    mesh.scrape(told("a"), T + 4_000, { [OK]: 110 });
    mesh.scrape(told("b"), T + 1_000, { [OK]: 103 });
    mesh.vanish(GATEWAY, T - 60_000);
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 10 } });
  });

  it("loses nothing and doubles nothing where the one that is ahead goes away", async () => {
    const mesh = watchedMesh();
    mesh.vanish(GATEWAY, T - 60_000);
    mesh.scrape(told("a"), T - 1_000, { [OK]: 100 });
    mesh.scrape(told("b"), T - 4_000, { [OK]: 95 });
    mesh.vanish(told("a"), T + 500);
    expect(await growth(mesh, T, T + 1_000), "the other is behind").toBe("awaited");
    mesh.scrape(told("b"), T + 1_500, { [OK]: 103 });
    expect(await growth(mesh, T, T + 2_000)).toMatchObject({ canary: { requests: 3 } });
  });

  it("is not believed by one that has not seen it start again", async () => {
    const mesh = watchedMesh();
    mesh.vanish(GATEWAY, T - 60_000);
    mesh.scrape(told("b"), T - 3_000, { [OK]: 990 });
    mesh.scrape(told("a"), T - 1_000, { [OK]: 20 });
    mesh.scrape(told("b"), T + 2_000, { [OK]: 55 });
    mesh.scrape(told("a"), T + 4_000, { [OK]: 60 });
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 40 } });
  });
});

describe("two Prometheus behind one address, each with a story of its own", () => {
  /** Answers as this or that one, as a load balancer would have it. */
  async function growthBetween(base: ScrapedMesh, head: ScrapedMesh, dropped: ScrapedMesh, instantMs: number) {
    const telemetry = { ...head.sides(), at: (atMs: number) => (atMs === T ? base : head).sides().at(atMs), dropped: dropped.sides().dropped };
    const reading = await readGrowth({ sinceMs: T, instantMs, inForceAtMs: IN_FORCE_MS }, telemetry);
    return reading.kind === "grown" ? requestCountsOf(ofWorkloads(reading.increases, ["v3"]), ISTIO.requests.isBad) : reading.kind;
  }

  function meshOf(scrapes: readonly (readonly [offsetMs: number, count: number])[]): ScrapedMesh {
    const mesh = watchedMesh();
    for (const [offsetMs, count] of scrapes) mesh.scrape(GATEWAY, T + offsetMs, { [OK]: count });
    return mesh;
  }

  it("are awaited where the second has not come as far as the first", async () => {
    const [ahead, behind] = [meshOf([[-1_000, 100], [4_000, 120]]), meshOf([[-3_000, 90], [7_000, 130]])];
    expect(await growthBetween(ahead, behind, behind, T + 5_000)).toBe("awaited");
    expect(await growthBetween(ahead, behind, behind, T + 10_000)).toEqual({ requests: 30, bad: 0 });
  });

  it("are awaited where a counter falls that nobody has seen fall", async () => {
    const [ahead, skewed] = [meshOf([[-1_000, 1_000]]), meshOf([[-3_000, 900], [-900, 999], [200_000, 999]])];
    expect(await growthBetween(ahead, skewed, skewed, T + 5_000)).toBe("awaited");
    expect(await growthBetween(ahead, skewed, ahead, T + 5_000)).toBe("awaited");
    expect(await growthBetween(ahead, skewed, skewed, T + 300_000), "but not for ever").toBe("nothing");
  });

  it("are awaited where a store has put both together, and one has overtaken the other by a request", async () => {
    const together = meshOf([[-100, 1_000], [100, 999]]);
    expect(await growthBetween(together, together, together, T + 5_000)).toBe("awaited");
    together.scrape(GATEWAY, T + 9_000, { [OK]: 1_010 });
    expect(await growthBetween(together, together, together, T + 10_000)).toEqual({ requests: 10, bad: 0 });
  });

  it("are believed where one has seen a process start again", async () => {
    const [before, after] = [meshOf([[-1_000, 1_000], [4_000, 20]]), meshOf([[-3_000, 990], [3_000, 15]])];
    expect(await growthBetween(before, after, after, T + 5_000)).toEqual({ requests: 15, bad: 0 });
    expect(await growthBetween(before, after, before, T + 5_000)).toEqual({ requests: 15, bad: 0 });
  });
});

describe("a Prometheus that has lost its past", () => {
  it("has a gap, and counting goes on behind it", async () => {
    const mesh = watchedMesh();
    for (const offsetMs of [0, 5_000, 10_000]) mesh.scrape(GATEWAY, T + offsetMs, { [OK]: 9_000 + offsetMs, [BAD]: 70 }, { [STABLE_OK]: 90_000 });
    mesh.forget(T + 4_000);
    expect(await growth(mesh, T, T + 5_000), "not the thousands of a whole life").toBe("nothing");
    expect(await growth(mesh, T + 5_000, T + 10_000)).toMatchObject({ canary: { requests: 5_000, bad: 0 } });
  });

  it("does not take who was not scraped yet for new", async () => {
    const mesh = watchedMesh();
    const sidecar = reporter("source", "sidecar");
    for (const offsetMs of [-500, 4_500, 9_500]) mesh.scrape(GATEWAY, T + offsetMs, { [OK]: 9_000 });
    for (const offsetMs of [-1_000, 4_000, 9_000]) mesh.scrape(sidecar, T + offsetMs, { [OK]: 500 });
    mesh.forget(T - 600);
    expect(await growth(mesh, T, T + 5_000)).toMatchObject({ canary: { requests: 0 } });
  });
});

describe("whatever happens, look by look", () => {
  const events = fc.array(
    fc.record({
      pod: fc.nat(2),
      kind: fc.constantFrom("serve", "serve", "serve", "serve", "restart", "vanish"),
      canary: fc.record({ good: fc.nat(50), bad: fc.nat(3) }),
      stable: fc.record({ good: fc.nat(50), bad: fc.nat(3) }),
      /** Which Prometheus sees it: one of two, or both. */
      seenBy: fc.constantFrom("a", "b", "ab"),
      looked: fc.boolean(),
    }),
    { maxLength: 40 },
  );
  type Event = (typeof events extends fc.Arbitrary<readonly (infer E)[]> ? E : never) & object;

  it.each(["source", "destination"] as const)("no request counts twice, and each that was scraped counts, as %s reports it", async (kind) => {
    let exact = 0;
    await fc.assert(
      fc.asyncProperty(events, fc.boolean(), async (happens, isTwice) => {
        const { served, counted, isHidden } = await played(happens, kind, isTwice);
        for (const side of ["canary", "stable"] as const) for (const what of ["requests", "bad"] as const) expect(counted[side][what]).toBeLessThanOrEqual(served[side][what]);
        if (isHidden) return;
        expect(counted).toEqual(served);
        exact += 1;
      }),
      { numRuns: 120 },
    );
    expect(exact).toBeGreaterThan(30); // by chance about half of the plays are seen whole
  });

  interface Life {
    name: string;
    bornMs: number;
    hasRestarted: boolean;
    readonly canary: { good: number; bad: number };
    readonly stable: { good: number; bad: number };
  }

  /** One event a second, a scrape after each. Of a caller both sides are told; a pod is of one side. */
  async function played(happens: readonly Event[], kind: "source" | "destination", isTwice: boolean) {
    const mesh = createScrapedMesh();
    const lives: Life[] = [0, 1, 2].map((pod) => ({ name: `pod-${pod}`, bornMs: 0, hasRestarted: false, canary: { good: 9, bad: 0 }, stable: { good: 9, bad: 0 } }));
    const served = { canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } };
    const counted = structuredClone(served);
    const sidesOf = (pod: number): readonly ("canary" | "stable")[] => (kind === "source" ? ["canary", "stable"] : [pod === 0 ? "canary" : "stable"]);
    let [sinceMs, nowMs, isHidden, atBase] = [T, T, false, structuredClone(lives)];

    const scrape = (pod: number, replica: string): void => {
      const { name, canary, stable } = lives[pod]!;
      const shown = (side: Life["canary"], workload: string) => ({ [`${workload}\n200\nhttp\n`]: side.good, ...(side.bad > 0 ? { [`${workload}\n503\nhttp\n`]: side.bad } : {}) });
      const sides = sidesOf(pod);
      mesh.scrape(reporter(kind, name, "pods", replica), nowMs, sides.includes("canary") ? shown(canary, "v3") : {}, sides.includes("stable") ? shown(stable, "v2") : false);
    };
    const replicas = isTwice ? ["a", "b"] : ["a"];
    const scrapeAll = (): void => [0, 1, 2].forEach((pod) => replicas.forEach((replica) => scrape(pod, replica)));
    /**
     * A process that has done as much again as before it started again, before anybody looks, cannot be told from one that went on.
     * Of two Prometheus the one that has not seen it start again is not listened to meanwhile.
     */
    const isTold = (pod: number): boolean => {
      const { hasRestarted, bornMs, ...sides } = lives[pod]!;
      return !hasRestarted || (!isTwice && bornMs <= sinceMs && sidesOf(pod).every((side) => sides[side].good < atBase[pod]![side].good));
    };
    const look = async (): Promise<void> => {
      const one = await growth(mesh, sinceMs, nowMs);
      if (one === "awaited") return;
      isHidden ||= ![0, 1, 2].every(isTold);
      lives.forEach((life) => (life.hasRestarted = false));
      [sinceMs, atBase] = [nowMs, structuredClone(lives)];
      if (one === "nothing") return;
      for (const side of ["canary", "stable"] as const) {
        counted[side].requests += one[side]!.requests;
        counted[side].bad += one[side]!.bad;
      }
    };
    const begin = (pod: number): void => {
      for (const side of sidesOf(pod)) Object.assign(lives[pod]![side], { good: 0, bad: 0 });
    };
    const vanish = (pod: number): void => {
      const life = lives[pod]!;
      for (const replica of replicas) mesh.vanish(reporter(kind, life.name, "pods", replica), nowMs - 2);
      begin(pod);
      Object.assign(life, { name: `${life.name}+`, bornMs: nowMs });
      nowMs -= 1;
      for (const replica of replicas) scrape(pod, replica); // a replica that sees it only later is believed from then on
      nowMs += 1;
    };
    const happen = ({ pod, kind: what, ...event }: Event): void => {
      const life = lives[pod]!;
      if (what === "restart" && sidesOf(pod).every((side) => life[side].good > 5 && life[side].good > life[side].bad)) {
        isHidden ||= sidesOf(pod).some((side) => event[side].good >= life[side].good); // at once it has done as much again
        begin(pod);
        life.hasRestarted = true;
      }
      if (what === "vanish" && life.bornMs <= sinceMs) vanish(pod); // who comes and goes between two looks is seen by nobody
      for (const side of sidesOf(pod)) {
        life[side].good += event[side].good;
        life[side].bad += event[side].bad;
        served[side].requests += event[side].good + event[side].bad;
        served[side].bad += event[side].bad;
      }
    };

    nowMs = T - 120_000;
    scrapeAll();
    nowMs = T;
    scrapeAll();
    for (const event of happens) {
      nowMs += 1_000;
      happen(event);
      for (const replica of isTwice ? event.seenBy : "a") scrape(event.pod, replica);
      if (event.looked) await look();
    }
    for (let round = 0; round < 2; round++) {
      nowMs += 1_000;
      scrapeAll();
      await look();
    }
    return { served, counted, isHidden };
  }
});
