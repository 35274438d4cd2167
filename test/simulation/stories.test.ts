/** Whole stories, told by transcripts: read them in transcripts/, and review their changes as diffs. */
import { describe, expect, test } from "vitest";
import { aVirtualService, subsets } from "../support/istio-objects.ts";
import { aWorld, type World, type WorldOptions } from "../support/world.ts";

const MINUTE = 60_000;
const short = { steps: [{ weight: 10, hold: "1m" }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }] };

interface Story {
  readonly options?: WorldOptions;
  readonly tell: (world: World) => Promise<void>;
}

const isAt = (world: World, percent: number) => () => world.rollout().status?.run?.weight === percent && world.rollout().status?.run?.checks.length === 1;

const STORIES: Readonly<Record<string, Story>> = {
  "a good version goes from 90-10 to 0-100": {
    options: { split: { v2: 90, v3: 10 } },
    tell: async (world) => {
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v2: 0, v3: 100 });
      expect(world.status()).toMatchObject({ phase: "Healthy", reason: "Succeeded", stable: { version: "v3" } });
    },
  },
  "a bad version is taken back": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 10));
      world.note("one request in twenty fails now");
      world.answers = { bad: 0.05, requests: 200 };
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "RolledBack", refused: { version: "v3" } });
    },
  },
  "a version without a destination is added for the run and the shape restored": {
    options: { spec: { strategy: short, stable: undefined }, virtualService: aVirtualService({ http: [{ route: subsets({ v2: null }) }] }) },
    tell: async (world) => {
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v3: null });
    },
  },
  "a person aborts, ships a fix, and it goes through": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.command("abort id=c1 run=1 actor=alice reason=orders%20are%20lost");
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "Aborted", lastCommand: { id: "c1", result: "Accepted" } });
      world.note("a fixed image under the same name");
      world.pods["v3"]!.revision = "r1-v3-fixed";
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", stable: { version: "v3", revision: "r1-v3-fixed" } });
    },
  },
  "a verb typed by hand is stamped before it is obeyed": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 10));
      world.command("abort");
      await world.run(MINUTE);
      expect(world.status().lastCommand).toMatchObject({ verb: "abort", actor: "unverified", run: 1 });
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
    },
  },
  "a pause of the ladder waits for promote": {
    options: { spec: { strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "1m" }] } } },
    tell: async (world) => {
      await world.run(10 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "Step" });
      world.command("resume id=c1 run=1 actor=bob");
      await world.run(1_000);
      expect(world.status().lastCommand).toMatchObject({ result: "Refused" });
      world.command("promote id=c2 run=1 actor=bob");
      await world.run(10 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", reason: "Succeeded" });
    },
  },
  "a hand lowers the share and resume goes on above it": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.hand({ v2: 75, v3: 25 });
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "RouteEditedByHand" });
      expect(world.route()).toEqual({ v2: 75, v3: 25 });
      world.command("resume id=c1 run=1 actor=alice");
      await world.run(20 * MINUTE);
      expect(world.status().phase).toBe("Healthy");
    },
  },
  "a hand raises the share and it is put back, until that is a fight": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 10));
      for (let i = 0; i < 3; i++) {
        world.hand({ v2: 0, v3: 100 }, "argocd-controller");
        await world.run(2_000);
        expect(world.route()).toEqual({ v2: 90, v3: 10 });
      }
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "RouteContested" });
      world.hand({ v2: 0, v3: 100 }, "argocd-controller");
      await world.run(2_000);
      expect(world.route(), "repaired at most every 30 s now").toEqual({ v2: 0, v3: 100 });
      await world.run(30_000);
      expect(world.route()).toEqual({ v2: 90, v3: 10 });
    },
  },
  "a newer version supersedes the run": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.spec({ release: "v4" });
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", stable: { version: "v4" } });
      expect(world.status().history.map(({ outcome }) => outcome)).toEqual(["Succeeded", "Superseded"]);
    },
  },
  "naming the stable version in mid-run is an abort": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.spec({ release: "v2" }, "argocd-controller");
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", reason: "NothingToDo", stable: { version: "v2" } });
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
    },
  },
  "undo goes back in one write and does not start again": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE);
      world.command("undo id=c1 run=1 actor=alice reason=complaints");
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "Aborted", stable: { version: "v2" }, refused: { version: "v3" } });
    },
  },
  "undo after an abort goes further back, and what was refused stays refused": {
    options: { split: { v1: 0, v2: 100, v3: 0 }, spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE);
      world.spec({ release: "v1" });
      await world.run(20 * MINUTE, isAt(world, 50));
      world.command("abort id=c1 run=2 actor=alice reason=enough");
      await world.run(MINUTE);
      world.command("undo id=c2 run=2 actor=alice");
      await world.run(60 * MINUTE);
      expect(world.route()).toEqual({ v1: 0, v2: 100, v3: 0 });
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "Aborted", stable: { version: "v2" }, refused: { version: "v1" } });
    },
  },
  "setting the release back within the rollback window goes straight": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE);
      world.spec({ release: "v2" });
      await world.run(MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status()).toMatchObject({ phase: "Healthy", stable: { version: "v2" } });
    },
  },
  "a canary that loses its pods is taken back without any metric": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.pods["v3"]!.ready = 0;
      await world.run(1_000);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status().reason).toBe("RolledBack");
    },
  },
  "traffic cannot go back while stable has no pod, and goes as soon as it has one": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.pods["v2"]!.ready = 0;
      world.command("abort id=c1 run=1 actor=alice");
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "StableUnready" });
      expect(world.route()).toEqual({ v2: 50, v3: 50 });
      world.pods["v2"]!.ready = 1;
      await world.run(1_000);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "Aborted" });
    },
  },
  "silence holds, and after the limit asks a person": {
    options: { spec: { strategy: short, analysis: { holdLimit: { after: "5m" } } } },
    tell: async (world) => {
      world.answers = "noData";
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "HoldLimit" });
      expect(world.route()).toEqual({ v2: 90, v3: 10 });
      world.answers = { bad: 0, requests: 100 };
      world.command("resume id=c1 run=1 actor=alice");
      await world.run(20 * MINUTE);
      expect(world.status().phase).toBe("Healthy");
    },
  },
  "pods that never become ready end the run": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      world.pods["v3"] = { ready: 0, wanted: 2, revision: "" };
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Degraded", reason: "NeverReady" });
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      world.pods["v3"] = { ready: 2, wanted: 2, revision: "r1-v3" };
      await world.run(20 * MINUTE);
      expect(world.status().phase).toBe("Healthy");
    },
  },
  "a deleted Rollout gives the traffic back": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.delete();
      await world.run(MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.stamp()).toBeUndefined();
    },
  },
  "suspend keeps the hands off, and abort works nevertheless": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.spec({ suspend: true });
      world.answers = { bad: 0.5, requests: 100 };
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "Suspended" });
      expect(world.route()).toEqual({ v2: 50, v3: 50 });
      world.command("abort id=c1 run=1 actor=alice");
      await world.run(MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
    },
  },
  "observe mode judges beside another tool and writes no route": {
    options: { spec: { analysis: { mode: "observe" } } },
    tell: async (world) => {
      await world.run(MINUTE);
      world.hand({ v2: 90, v3: 10 }, "argo-rollouts");
      await world.run(MINUTE);
      world.answers = { bad: 0.2, requests: 100 };
      await world.run(MINUTE);
      expect(world.status().run?.wouldRollBack).toBeDefined();
      expect(world.route()).toEqual({ v2: 90, v3: 10 });
      world.hand({ v2: 0, v3: 100 }, "argo-rollouts");
      await world.run(MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy" });
    },
  },
  "evidence paces the steps where there is enough traffic": {
    options: { spec: { strategy: { pace: "evidence", maxHold: "5m", steps: [{ weight: 10, hold: "20s" }, { weight: 50, hold: "20s" }, { weight: 100, hold: "20s" }] }, analysis: { minVerdicts: 2 } } },
    tell: async (world) => {
      world.note("500 requests to v3 at each look, and none fails");
      world.answers = { bad: 0, requests: 500 };
      await world.run(10 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", run: { outcome: "Succeeded" } });
    },
  },
  "a version that is not routed to is taken back": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 10));
      world.note("v2 answers as before, and nothing reaches v3");
      world.answers = { bad: 0, requests: 0, stable: { bad: 0.001, requests: 900 } };
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v2: 100, v3: 0 });
      expect(world.status().message).toContain("requests reached the canary");
    },
  },
  "a hotfix goes through while stable is broken": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      world.note("one request in five fails at v2, and none at v3");
      world.answers = { bad: 0, requests: 100, stable: { bad: 0.2 } };
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", run: { outcome: "Succeeded" } });
    },
  },
  "while stable is as broken as the canary nobody is blamed and a person is asked": {
    options: { spec: { strategy: short, analysis: { holdLimit: { after: "2m", then: "pause" } } } },
    tell: async (world) => {
      world.note("one request in five fails at both versions");
      world.answers = { bad: 0.2, requests: 100, stable: { bad: 0.2 } };
      await world.run(20 * MINUTE);
      expect(world.route()).toEqual({ v2: 90, v3: 10 });
      expect(world.status()).toMatchObject({ phase: "Paused", reason: "HoldLimit" });
    },
  },
  "changed steps go on above the weight in force": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.spec({ strategy: { steps: [{ weight: 20, hold: "1m" }, { weight: 75, hold: "1m" }, { weight: 100, hold: "1m" }] } });
      await world.run(MINUTE + 20_000);
      expect(world.route()).toEqual({ v2: 25, v3: 75 });
    },
  },
  "an edited route target aborts on the old route and starts anew": {
    options: { spec: { strategy: short } },
    tell: async (world) => {
      await world.run(20 * MINUTE, isAt(world, 50));
      world.spec({ traffic: { istio: { virtualServices: [{ name: "reviews" }], destinationRule: { name: "reviews" } } } });
      await world.run(20 * MINUTE);
      expect(world.status()).toMatchObject({ phase: "Healthy", stable: { version: "v3" } });
      expect(world.status().history.map(({ outcome }) => outcome)).toEqual(["Succeeded", "Superseded"]);
    },
  },
};

describe("stories", () => {
  for (const [title, { options, tell }] of Object.entries(STORIES)) {
    test(title, async () => {
      const world = aWorld(options);
      await tell(world);
      await expect(`${title}\n\n${world.log.join("\n")}\n`).toMatchFileSnapshot(`transcripts/${title.replaceAll(/[ ,]+/g, "-")}.txt`);
    });
  }
});
