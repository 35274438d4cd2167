/** Every rule of the policy, by what makes it decide. */
import { describe, expect, test } from "vitest";
import { decide, RULES } from "../../../src/rollout/decide.ts";
import type { Decision } from "../../../src/rollout/decision.ts";
import { isWorthCommitting } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { AutoscalerSeen, LaneSeen, RouteFound } from "../../../src/rollout/observation.ts";
import { caseOf } from "../../../src/rollout/read-case.ts";
import { lastWrites } from "../../../src/rollout/route-write.ts";
import { SESSION_STATUS_VERSION } from "../../../src/rollout/status.ts";
import { aTarget } from "../../support/istio-objects.ts";
import { aCanary, aCheck, aDeployment, aHeldRun, anObservation, aRollout, aRun, aStatus, at, type ObservationChange, type RolloutChange, v2, v3 } from "../../support/rollouts.ts";

interface Row {
  readonly when: string;
  readonly rollout?: RolloutChange;
  readonly seen?: ObservationChange;
  /** A key that the decision must not have. */
  readonly without?: string;
  readonly then: { readonly [Key in keyof Decision]?: unknown } & { readonly [field: string]: unknown };
}

const ended = (change: Parameters<typeof aRun>[0] = {}, status: Parameters<typeof aStatus>[0] = {}): RolloutChange => ({
  status: aStatus({
    phase: "Degraded", reason: "RolledBack", run: aRun({ outcome: "RolledBack", weight: 0, points: 0, endedAt: at(20), endedFrom: "40", reason: "it hurt", ...change }),
    refused: { ...v3, because: "RolledBack", reason: "it hurt" }, ...status,
  }),
});
const command = (text: string): RolloutChange => ({ command: text });
const passed = { seconds: 70 };
const check = (change: Parameters<typeof aCheck>[0]): RolloutChange => ({ status: aStatus({ run: aRun({ checks: [aCheck(change)] }) }) });
const silent = (verdict: "NoData" | "Inconclusive" | "Error", analysis: object): RolloutChange => ({ ...check({ verdict, passes: 0 }), spec: { analysis } });
const two = { v2: 90, v3: 10 };
const aLane = (split: Readonly<Record<string, number>>): LaneSeen => ({ name: "route pages", destinations: Object.entries(split).map(([version, points]) => ({ version, points, weighted: true, candidate: true })) });
const absent = { kind: "absent", message: "no VirtualService reviews in bookinfo" } as const;
const routeAt = (split: NonNullable<ObservationChange["split"]>, rest: ObservationChange = {}): RouteFound => anObservation({ split, route: { writers: [{ manager: "kubectl-edit", atMs: 1 }] }, ...rest }).route as RouteFound;
/** Weights that somebody left so that they do not add up. */
const mangledTo = (split: NonNullable<ObservationChange["split"]>, rest: ObservationChange = {}): ObservationChange => ({ seen: { route: { kind: "unusable", message: "the weights do not add up", mendable: routeAt(split, rest) } } });

const TESTERS = [{ headers: [{ name: "x-tester", exact: "true" }] }];
const PICKING = [{ match: TESTERS, hold: "1m" }, { weight: 10, match: TESTERS, hold: "1m" }, { weight: 100, hold: "1m" }];
const picking = { spec: { strategy: { steps: PICKING } } };
const PAUSING = [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const PICKING_AND_PAUSING = [{ match: TESTERS, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }];
/** At the first step of that ladder, in force. */
const picked = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...picking, status: aStatus({ run: aRun({ ladder: PICKING, step: 0, weight: 0, points: 0, peak: 0, matched: TESTERS, ...change }) }) });
const asPicked: ObservationChange = { split: { v2: 100, v3: 0 }, route: { matched: { version: "v3", isIntact: true } } };

const MIRRORING = [{ mirror: 20, hold: "1m" }, { mirror: 60, hold: "1m" }, { weight: 10, hold: "1m" }, { weight: 100, hold: "1m" }];
const mirroring = { spec: { strategy: { steps: MIRRORING } } };
/** At the first step of that ladder, in force. */
const mirrored = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...mirroring, status: aStatus({ run: aRun({ ladder: MIRRORING, step: 0, weight: 0, points: 0, peak: 0, mirrored: 20, ...change }) }) });
const mirrorAt = (percent: number, version = "v3") => ({ version, percent, isAsRouted: true });
const asMirrored: ObservationChange = { split: { v2: 100, v3: 0 }, route: { mirrors: [mirrorAt(20)] } };
const byHand = (mirrors: RouteFound["mirrors"], rest: Partial<RouteFound> = {}): ObservationChange => ({ split: { v2: 100, v3: 0 }, route: { mirrors, writers: [{ manager: "kubectl-edit", atMs: 0 }], ...rest } });

const PINS = { cookie: "side", attributes: "Max-Age=60; Path=/", since: 1, shares: [10] };
const pinning = { spec: { strategy: { steps: PAUSING, sessionAffinity: { cookieName: "side", maxAge: "60s", httpOnly: false } } } };
/** At the first step of that ladder, in force. */
const pinned = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...pinning, status: aStatus({ run: aRun({ ladder: PAUSING, sessions: PINS, ...change }) }) });
const PINNED = { versions: ["v3", "v2"], isIntact: true, isCurrent: true };
const asPinned = (sessions: RouteFound["sessions"] = PINNED, split = two): ObservationChange => ({ split, route: { ...(sessions ? { sessions } : {}), writers: [{ manager: "kubectl-edit", atMs: 0 }] } });
const HOST = "reviews-preview.example";
const ofHosts = (...names: readonly string[]): Partial<RouteFound> => ({ hosts: { names, of: "VirtualService bookinfo/reviews" } });
const SWITCHING = [{ pause: {}, preview: HOST }, { weight: 100, hold: "1m", keepOld: "10m" }];
const switching = { spec: { strategy: { blueGreen: { preview: HOST } } } };
/** At the pause of that ladder, in force. */
const shown = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...switching, status: aStatus({ run: aRun({ ladder: SWITCHING, step: 0, weight: 0, points: 0, peak: 0, previewed: HOST, pausedBy: "Step", pausedAt: at(0), pausedMessage: "waits", ...change }) }) });
const asShown: ObservationChange = { split: { v2: 100, v3: 0 }, route: { ...ofHosts(HOST), matched: { version: "v3", isIntact: true } } };
/** With all the traffic, since five seconds after noon. */
const switched = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => ({ ...switching, status: aStatus({ run: aRun({ ladder: SWITCHING, step: 1, weight: 100, points: 100, peak: 100, ...change }) }) });
const asSwitched: ObservationChange = { split: { v2: 0, v3: 100 } };
const kept = (change: Parameters<typeof aRun>[0] = {}): RolloutChange => switched({ keptSince: at(70), ...change });
const KEPT_SAID = "v3 has all the traffic, and v2 is kept for 10m: weir abort reviews -n bookinfo takes everything back at once, weir promote reviews -n bookinfo ends the run now";

/** A Deployment is delivered. */
const holding = { spec: { release: undefined, deployment: { name: "reviews" } } };
const held = (change: Parameters<typeof aHeldRun>[0] = {}, status: Parameters<typeof aStatus>[0] = {}): RolloutChange => ({ ...holding, status: aStatus({ run: aHeldRun(change), ...status }) });
const sides = { uid: "uid-61", resourceVersion: "61", stable: "hash-v2", canary: "hash-v3", mark: "uid-1/1", definedAtMs: 1 };
const standing = (deployment: Parameters<typeof aDeployment>[0] = {}, change: ObservationChange = {}): ObservationChange => {
  const seen = anObservation({ ...change, route: { isSplit: true, ...change.route } });
  const versions = Object.fromEntries(Object.entries(seen.versions).map(([version, one]) => [version, { ...one, podTemplateHash: `hash-${version}` }]));
  return { ...change, seen: { ...seen, deployment: aDeployment({ canaries: [aCanary], canaryPods: 1, ...deployment }), sides, versions, ...change.seen } };
};
const unopened = { isSplit: undefined, step: -1, weight: 0, points: 0, peak: 0, epoch: 0, checks: [], inForceAt: undefined, waitingSince: at(0) };
const plain: ObservationChange = { split: { v2: null }, stamp: null, route: { isSplit: false } };
const scaled = (autoscaler: Partial<AutoscalerSeen>): ObservationChange["seen"] => ({ autoscaler: { label: "HorizontalPodAutoscaler bookinfo/reviews", perPod: 1, ofAll: 0, maxPods: 10, readySinceMs: [at(0), at(0), at(0), at(0)].map(Date.parse), ...autoscaler } });
const rolls = { rollingSince: at(60), step: 2, weight: 100, points: 100, peak: 100 };
/** The template of v3 came while it had begun to roll from v1 to v2. */
const overtaken = (): RolloutChange => held({ ...rolls, from: { version: "v1", revision: "r1-v1" }, to: v2, release: "v2" });
const overtakenWith = (readyPodsOf: Readonly<Record<string, number>>): ObservationChange => standing({ remembered: ["v1", "v2"], readyPodsOf }, { split: { v1: 0, v2: 100 } });
const atTheTop: ObservationChange = { split: { v2: 0, v3: 100 } };
const gone: ObservationChange["seen"] = { deployment: { kind: "absent", message: "there is no Deployment bookinfo/reviews", canaries: [], canaryPods: 0 } };

/** Every rule, by what makes it decide and what it then says. */
const TABLE: Readonly<Record<string, readonly Row[]>> = {
  deleted: [
    { when: "a Rollout goes in mid-run", rollout: { deleted: true }, then: { kind: "end", outcome: "Aborted", phase: "Degraded" } },
    { when: "a Rollout goes at rest", rollout: { deleted: true, ...ended() }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "stay" } },
    { when: "a Rollout goes while stable could not answer", rollout: { deleted: true, ...ended() }, seen: { ready: { v2: 0 } }, then: { kind: "stay", reason: "StableUnready" } },
  ],
  aborted: [
    { when: "a person says abort", rollout: command("abort id=c1 run=1 actor=alice reason=disk%20full"), then: { kind: "end", outcome: "Aborted", refuse: "Aborted", actor: "alice", why: "aborted by alice: disk full", answer: { result: "Accepted" } } },
    { when: "a person says undo in mid-run", rollout: command("undo id=c1 run=1 actor=alice"), then: { kind: "end", outcome: "Aborted" } },
    { when: "the spec names stable again", rollout: { spec: { release: "v2" } }, then: { kind: "end", outcome: "Aborted", actor: "kubectl" }, without: "refuse" },
    { when: "abort comes with a Fail at hand", rollout: { ...check({ verdict: "Fail", failuresInARow: 5 }), command: "abort id=c1 run=1 actor=alice" }, then: { outcome: "Aborted" } },
    { when: "abort comes where there is no route", rollout: command("abort id=c1 run=1 actor=alice"), seen: { seen: { route: absent } }, then: { kind: "end", outcome: "Aborted", why: "aborted by alice", message: expect.stringContaining("could not be taken back to v2 yet: no VirtualService"), answer: { result: "Accepted", message: expect.stringContaining("as soon as it can: no VirtualService") } } },
    { when: "abort comes while nobody of stable is left who could answer", rollout: command("abort id=c1 run=1 actor=alice"), seen: { ready: { v2: 0 } }, then: { kind: "end", outcome: "Aborted", message: "run 1 of v3 is over (aborted by alice), and its traffic could not be taken back to v2 yet: v2 has no ready pod", answer: { result: "Accepted", message: "run 1 is aborted; its traffic goes to v2 as soon as it can: v2 has no ready pod" } } },
    { when: "abort comes where the weights do not add up", rollout: command("abort id=c1 run=1 actor=alice"), seen: mangledTo({ v2: 90, v3: 20 }), then: { kind: "end", outcome: "Aborted", why: "aborted by alice; kubectl-edit had left VirtualService bookinfo/reviews at v2 90, v3 20, and its weights are mended" } },
    { when: "abort comes where another tool holds more than there is", rollout: command("abort id=c1 run=1 actor=alice"), seen: mangledTo({ v1: 120, v2: 90, v3: 10 }), then: { kind: "end", outcome: "Aborted", message: expect.stringContaining("could not be taken back to v2 yet: the weights do not add up") } },
    { when: "abort comes while the old version is kept", rollout: { ...kept(), command: "abort id=c1 run=1 actor=alice" }, seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "Aborted", refuse: "Aborted", answer: { result: "Accepted" } } },
    { when: "the spec names the old version while it is kept", rollout: { ...kept(), spec: { ...switching.spec, release: "v2" } }, seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "Aborted" } },
    { when: "abort comes while suspended", rollout: { spec: { suspend: true }, command: "abort id=c1 run=1 actor=alice" }, then: { kind: "end", outcome: "Aborted" } },
  ],
  undeployed: [
    { when: "there is no such Deployment", rollout: { ...holding, status: null }, seen: standing({}, { ...plain, seen: gone }), then: { kind: "stay", phase: "Pending", reason: "TargetMissing", message: "there is no Deployment bookinfo/reviews: name the one to deliver in spec.deployment" } },
    { when: "the Deployment goes in mid-run", rollout: held(), seen: standing({}, { seen: gone }), then: { kind: "end", outcome: "RolledBack", why: "there is no Deployment bookinfo/reviews" }, without: "refuse" },
    { when: "it went in mid-run, and its pods with it", rollout: held({ outcome: "RolledBack", endedAt: at(20), reason: "there is no Deployment bookinfo/reviews" }), seen: standing({}, { seen: gone, ready: { v2: 0 }, split: { v2: 50, v3: 0, ...{ "weir-canary": 50 } } }), then: { kind: "stay", phase: "Degraded", reason: "StableUnready" } },
    { when: "another Rollout delivers it", rollout: { ...holding, status: null }, seen: standing({ managedBy: "Rollout bookinfo/other" }, plain), then: { phase: "Degraded", reason: "ManagedByAnother", message: "Deployment bookinfo/reviews belongs to Rollout bookinfo/other, which names it as well: take it out of one of the two" } },
  ],
  slipped: [
    { when: "somebody lets it roll in mid-run", rollout: held(), seen: standing({ rolledPods: 1, otherPods: 3 }), then: { kind: "end", outcome: "RolledBack", restore: true, why: "Deployment bookinfo/reviews began to roll to v3 without Weir: apply it again once v2 is back" }, without: "refuse" },
    { when: "it had begun to roll before it was held", rollout: held(unopened), seen: standing({ rolledPods: 1, otherPods: 3, canaries: [], canaryPods: 0 }, plain), then: { kind: "end", outcome: "RolledBack", restore: true } },
    { when: "it had rolled before it was held", rollout: held(unopened), seen: standing({ rolledPods: 4, otherPods: 0, canaries: [], canaryPods: 0 }, plain), then: { kind: "end", outcome: "Superseded", why: "the Deployment has rolled to it before it could be held" } },
  ],
  suspended: [
    { when: "an operator says hands off in mid-run", rollout: { spec: { suspend: true } }, then: { kind: "stay", phase: "Paused", reason: "Suspended" } },
    { when: "even a Fail moves nothing then", rollout: { ...check({ verdict: "Fail", failuresInARow: 5, value: "20%" }), spec: { suspend: true } }, then: { kind: "stay", message: expect.stringContaining("errors was 20%") } },
    { when: "nothing starts at rest", rollout: { status: null, spec: { suspend: true } }, then: { kind: "stay", reason: "Suspended" } },
  ],
  unrouted: [
    { when: "the VirtualService is not there at rest", rollout: { status: null }, seen: { seen: { route: absent } }, then: { phase: "Pending", reason: "RouteMissing", message: "no VirtualService reviews in bookinfo" } },
    { when: "the VirtualService goes in mid-run", seen: { seen: { route: absent } }, then: { phase: "Pending", reason: "RouteMissing", message: "no VirtualService reviews in bookinfo; run 1 of v3 waits at 10%, and abort ends it" } },
    { when: "the VirtualService goes while the version hurts", rollout: check({ verdict: "Fail", failuresInARow: 2, value: "5%" }), seen: { seen: { route: absent } }, then: { kind: "stay", message: expect.stringContaining("waits at 10% and hurts (errors was 5%") } },
    { when: "it cannot be read", seen: { seen: { route: { kind: "unusable", message: "two routes and none named" } } }, then: { phase: "Degraded", reason: "InvalidSpec" } },
    { when: "the run was aborted without it", rollout: ended({ outcome: "Aborted", weight: 10, endedFrom: undefined, reason: "aborted by alice" }), seen: { seen: { route: absent } }, then: { kind: "stay", phase: "Degraded", reason: "RolledBack", message: "run 1 of v3 is over (aborted by alice), and its traffic could not be taken back to v2 yet: no VirtualService reviews in bookinfo" } },
  ],
  observed: [
    { when: "another tool gives the release weight", rollout: { status: null, spec: { analysis: { mode: "observe" } } }, then: { kind: "begin", run: { weight: 10, from: v2, to: v3 } } },
    { when: "another tool moves on", rollout: { spec: { analysis: { mode: "observe" } } }, seen: { split: { v2: 50, v3: 50 } }, then: { kind: "follow", weight: 50, step: 1 } },
    { when: "it would have rolled back", rollout: { ...check({ verdict: "Fail", failuresInARow: 2, value: "7%" }), spec: { analysis: { mode: "observe" } } }, then: { kind: "wouldRollBack", why: expect.stringContaining("7%") } },
    { when: "another tool arrives", rollout: { spec: { analysis: { mode: "observe" } } }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "end", outcome: "Succeeded" } },
    { when: "another tool takes it back", rollout: { spec: { analysis: { mode: "observe" } } }, seen: { split: { v2: 100, v3: 0 } }, then: { kind: "end", outcome: "RolledBack" }, without: "refuse" },
    { when: "a command is refused", rollout: { spec: { analysis: { mode: "observe" } }, command: "abort id=c1 run=1 actor=alice" }, then: { kind: "stay", answer: { result: "Refused" } } },
  ],
  begun: [
    { when: "a Deployment rolls at first sight", rollout: { ...holding, status: null }, seen: standing({ template: v3, serving: v3, isPaused: false, isHeld: false, rolledPods: 2, otherPods: 2, canaries: [], canaryPods: 0 }, { ...plain, split: { v3: null } }), then: { kind: "stay", phase: "Pending", reason: "FirstSight", message: "Deployment bookinfo/reviews rolls to v3: it is looked at as soon as all of its pods are of it" } },
    { when: "it stands still in the middle of a roll", rollout: { ...holding, status: null }, seen: standing({ template: v3, serving: v3, isHeld: false, rolledPods: 2, otherPods: 2, canaries: [], canaryPods: 0 }, { ...plain, split: { v3: null } }), then: { kind: "stay", phase: "Degraded", reason: "StableUnknown", message: expect.stringContaining("kubectl rollout resume") } },
    { when: "it has rolled", rollout: { ...holding, status: null }, seen: standing({ template: v3, serving: v3, isHeld: false, rolledPods: 4, otherPods: 0, canaries: [], canaryPods: 0 }, { ...plain, split: { v3: null } }), then: { kind: "adopt", stable: v3 } },
    { when: "the release serves alone", rollout: { status: null }, seen: { split: { v3: null }, stamp: null }, then: { kind: "adopt", stable: v3, phase: "Healthy" } },
    { when: "exactly one other serves", rollout: { status: null }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { from: v2, to: v3, enter: 0, weight: 0, shape: { added: false, unweighted: false } } } },
    { when: "the first step mirrors requests", rollout: { status: null, ...mirroring }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { enter: 0 }, message: "run 1: v3 begins with shadows of 20%, v2 is stable" } },
    { when: "the first step mirrors requests, and the route has a mirror that leaves no room", rollout: { status: null, ...mirroring }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { mirrors: [mirrorAt(100, "audit")], mirrorObstacle: "has a mirror of its own" } }, then: { kind: "begin", phase: "Pending", message: "v3 waits at 0%: VirtualService bookinfo/reviews has a mirror of its own" } },
    { when: "the first step mirrors requests, and the route does so itself", rollout: { status: null, ...mirroring }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { mirrors: [mirrorAt(5)] } }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("VirtualService bookinfo/reviews mirrors requests to v3 itself") } },
    { when: "users are to be kept, and the route leads to others as well", rollout: { status: null, spec: { ...pinning.spec, stable: "v2" } }, seen: { split: { v1: 20, v2: 80 }, stamp: null }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("leads to v1 as well, and users stay with v2 or v3 alone") } },
    { when: "users are to be kept, and the route's answers hold no cookie of ours", rollout: { status: null, ...pinning }, seen: { split: { v2: 100 }, stamp: null, route: { sessionObstacle: "writes the header set-cookie itself" } }, then: { kind: "begin", phase: "Pending", message: "v3 waits at 0%: VirtualService bookinfo/reviews writes the header set-cookie itself" } },
    { when: "users are to be kept, and the route asks for a cookie itself", rollout: { status: null, ...pinning }, seen: { split: { v2: 100 }, stamp: null, route: { conditions: ["header cookie"] } }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("asks for header cookie itself") } },
    { when: "the first step is a preview", rollout: { status: null, ...switching }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: ofHosts("reviews", "*.example") }, then: { kind: "begin", run: { enter: 0 }, phase: "Paused", reason: "Step", message: `run 1: v3 waits previewed at ${HOST} until somebody says promote: weir promote reviews -n bookinfo goes on, weir abort reviews -n bookinfo takes it back` } },
    { when: "the route is not for the preview's host", rollout: { status: null, ...switching }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: ofHosts("reviews", "example", "*.preview.example") }, then: { kind: "begin", phase: "Pending", reason: "NotReady", message: `v3 waits at 0%: no request for ${HOST} comes to VirtualService bookinfo/reviews, so it cannot be previewed there: add - ${HOST} to spec.hosts of VirtualService bookinfo/reviews` } },
    { when: "what is previewed is not as large yet as the switch needs it", rollout: { status: null, ...switching }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: ofHosts(HOST), ready: { v3: 1 } }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("v3 has 1 of 2 ready pods that 100% needs") } },
    { when: "nobody is asked before the version is as large as the switch needs it", rollout: { status: null, spec: { strategy: { blueGreen: {} } } }, seen: { split: { v2: 100, v3: 0 }, stamp: null, ready: { v3: 1 } }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("v3 has 1 of 2 ready pods that 100% needs") } },
    { when: "the first step mirrors more than its pods can take", rollout: { status: null, spec: { strategy: { steps: [{ mirror: 60, hold: "1m" }, ...MIRRORING.slice(2)] } } }, seen: { split: { v2: 100, v3: 0 }, stamp: null, ready: { v3: 1 } }, then: { kind: "begin", phase: "Pending", message: expect.stringContaining("v3 has 1 of 2 ready pods that 60% needs") } },
    { when: "the first step picks requests out", rollout: { status: null, ...picking }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { enter: 0 }, message: "run 1: v3 begins with the matched requests, v2 is stable" } },
    { when: "the route asks for the same header itself", rollout: { status: null, ...picking }, seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { conditions: ["header x-tester"] } }, then: { kind: "begin", message: "v3 waits at 0%: VirtualService bookinfo/reviews asks for header x-tester itself, so no match can ask for it once more: pick the requests out by something else" } },
    { when: "one other serves without weight", rollout: { status: null }, seen: { split: { v2: null }, stamp: null }, then: { kind: "begin", run: { shape: { added: true, unweighted: true } } } },
    { when: "the release has weight already", rollout: { status: null }, seen: { split: { v2: 50, v3: 50 }, stamp: null }, then: { kind: "begin", run: { weight: 50, enter: 2 } } },
    { when: "two others serve and none is named", rollout: { status: null }, seen: { split: { v1: 40, v2: 60 }, stamp: null }, then: { phase: "Degraded", reason: "StableUnknown", message: expect.stringContaining("v1 40, v2 60") } },
    { when: "two others serve and one is named", rollout: { status: null, spec: { stable: "v2" } }, seen: { split: { v1: 40, v2: 60 }, stamp: null }, then: { kind: "begin", run: { from: v2, points: 0 } } },
    { when: "the named one has no weight", rollout: { status: null, spec: { stable: "v4" } }, seen: { split: { v1: 40, v2: 60 }, stamp: null }, then: { reason: "StableUnknown", message: expect.stringContaining("spec.stable names v4") } },
    { when: "firstRun is direct", rollout: { status: null, spec: { strategy: { firstRun: "direct" } } }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { direct: true, enter: 0 } } },
    { when: "Flagger manages the route", rollout: { status: null }, seen: { route: { managedBy: "Flagger" } }, then: { phase: "Degraded", reason: "ManagedByAnother" } },
    { when: "the release has no pods yet", rollout: { status: null }, seen: { split: { v2: 100, v3: 0 }, ready: { v3: 0 }, stamp: null }, then: { kind: "begin", phase: "Pending", reason: "NotReady", message: expect.stringContaining("0 of 1 ready pods") } },
    { when: "the release is nowhere", rollout: { status: null, spec: { release: "v9" } }, seen: { split: { v2: 100 }, stamp: null, seen: {} }, then: { phase: "Pending", reason: "TargetMissing" } },
  ],
  cannotTakeBack: [
    { when: "the Deployment's pods are being replaced, and their template is not back", rollout: { ...ended({ deployment: "reviews", isSplit: true, rollingSince: at(10) }), ...holding }, seen: standing({ rolledPods: 1, otherPods: 3 }, { split: { v2: 0, "weir-canary": 100 } }), then: { kind: "stay", reason: "StableUnready", message: expect.stringContaining("v2 has 2 of 2 ready pods, which are being replaced") } },
    { when: "it is back, and less than half of them", rollout: { ...ended({ deployment: "reviews", isSplit: true, rollingSince: at(10) }), ...holding }, seen: standing({ template: v2, rolledPods: 0, otherPods: 1 }, { split: { v2: 0, "weir-canary": 100 }, ready: { v2: 0 } }), then: { kind: "stay", reason: "StableUnready" } },
    { when: "it is back, and half of them", rollout: { ...ended({ deployment: "reviews", isSplit: true, rollingSince: at(10) }), ...holding }, seen: standing({ template: v2, rolledPods: 1, otherPods: 1 }, { split: { v2: 0, "weir-canary": 100 }, ready: { v2: 1 } }), then: { kind: "stay", reason: "RolledBack" } },
    { when: "another template has come in its place, which waits", rollout: { ...ended({ deployment: "reviews", isSplit: true, rollingSince: at(10) }), ...holding }, seen: standing({ template: { version: "v4", revision: "r1-v4" }, otherPods: 2 }, { split: { v2: 0, "weir-canary": 100 }, ready: { v2: 1 } }), then: { kind: "stay", reason: "RolledBack" } },
    { when: "stable has no ready pod", rollout: ended(), seen: { ready: { v2: 0 } }, then: { kind: "stay", phase: "Degraded", reason: "StableUnready" } },
    { when: "requests are still picked out", rollout: ended(), seen: asPicked, then: { kind: "stay", phase: "Degraded", reason: "RolledBack" } },
    { when: "the last write was lost and stable is well", rollout: ended(), then: { kind: "stay", phase: "Degraded", reason: "RolledBack" } },
    { when: "a success's last write was lost", rollout: ended({ outcome: "Succeeded", weight: 100 }, { stable: v3, refused: undefined }), seen: { split: { v2: 0, v3: 100 } }, then: { kind: "stay", phase: "Healthy" } },
  ],
  harmful: [
    { when: "one of the routes that move together leads to a version without a ready pod", seen: { split: { v2: 100, v3: 0 }, route: { along: [aLane({ v2: 90, v3: 10 })] }, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: expect.stringContaining("v3 has 10% of the traffic and no ready pod") } },
    { when: "the canary of a Deployment fails, whose template waits from then on", rollout: { ...held({ checks: [aCheck({ verdict: "Fail", failuresInARow: 2, value: "5%" })] }) }, seen: standing(), then: { kind: "end", outcome: "RolledBack", refuse: "RolledBack", message: expect.stringMatching(/taken back to v2: errors was 5%.*; Deployment bookinfo\/reviews still holds v3, which waits: apply another template, or weir undo reviews -n bookinfo writes that of v2 back$/) }, without: "restore" },
    { when: "it fails, and what was taken back shall not wait", rollout: { ...held({ checks: [aCheck({ verdict: "Fail", failuresInARow: 2, value: "5%" })] }), spec: { release: undefined, deployment: { name: "reviews", onRollback: "revert" } } }, seen: standing(), then: { kind: "end", restore: true, message: expect.stringMatching(/times in a row at 10%$/) } },
    { when: "it fails while the Deployment rolls", rollout: held({ ...rolls, checks: [aCheck({ verdict: "Fail", failuresInARow: 2, value: "5%" })] }), seen: standing({ isPaused: false, isHeld: false, rolledPods: 2, otherPods: 2 }, atTheTop), then: { kind: "end", outcome: "RolledBack", restore: true } },
    { when: "a metric failed often enough in a row", rollout: check({ verdict: "Fail", failuresInARow: 2, value: "5%" }), then: { kind: "end", outcome: "RolledBack", refuse: "RolledBack", why: expect.stringContaining("errors was 5%") } },
    { when: "a metric fails where the weights do not add up", rollout: check({ verdict: "Fail", failuresInARow: 2, value: "5%" }), seen: mangledTo({ v2: 90, v3: 9 }), then: { kind: "end", outcome: "RolledBack", why: expect.stringMatching(/^errors was 5%.*; kubectl-edit had left .* at v2 90, v3 9, and its weights are mended$/) } },
    { when: "the pods of a Deployment's canary are not ready, as both caches have it", rollout: held(), seen: standing({}, { ready: { v3: 0 } }), then: { kind: "end", outcome: "RolledBack", why: "v3 has 10% of the traffic and no ready pod" } },
    { when: "the canary has weight and no ready pod", seen: { ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: expect.stringContaining("no ready pod") } },
    { when: "the canary has users that stay with it and no ready pod", rollout: pinned({ weight: 0, points: 0, sessions: undefined, inForceAt: undefined, epoch: 2 }), seen: { ...asPinned(PINNED, { v2: 100, v3: 0 }), ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: "v3 has the users that stay with it and no ready pod" } },
    { when: "the canary is previewed and has no ready pod", rollout: shown(), seen: { ...asShown, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: `v3 has the requests for ${HOST} and no ready pod` } },
    { when: "requests fail while the old version is kept", rollout: kept({ checks: [aCheck({ verdict: "Fail", failuresInARow: 5, value: "5%" })] }), seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "RolledBack" } },
    { when: "the canary has shadows and no ready pod", rollout: mirrored(), seen: { ...asMirrored, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: "v3 has shadows of requests and no ready pod" } },
    { when: "the canary has the matched requests and no ready pod", rollout: picked(), seen: { ...asPicked, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: "v3 has the matched requests and no ready pod" } },
    { when: "it hurts while a person has paused", rollout: { status: aStatus({ run: aRun({ pausedBy: "Command", checks: [aCheck({ verdict: "Fail", failuresInARow: 2 })] }) }) }, then: { kind: "end", outcome: "RolledBack" } },
    { when: "no data after the hold, and the policy is rollback", rollout: silent("NoData", { onNoData: "rollback" }), seen: passed, then: { kind: "end", why: expect.stringContaining("no request has reached v3") } },
    { when: "the provider fails after the hold, and the policy is rollback", rollout: silent("Error", { onProviderError: "rollback" }), seen: passed, then: { kind: "end", outcome: "RolledBack" } },
    { when: "held for too long, and then rollback", rollout: { status: aStatus({ run: aRun({ heldSince: at(60), checks: [aCheck({ verdict: "NoData" })] }) }), spec: { analysis: { holdLimit: { after: "1m", then: "rollback" } } } }, seen: { seconds: 121 }, then: { kind: "end", outcome: "RolledBack" } },
  ],
  outdated: [
    { when: "at rest the route's cache lags behind the last run", rollout: { ...ended({ outcome: "Succeeded", weight: 100, endedFrom: "42" }, { phase: "Healthy", reason: "Succeeded", message: "v3 has all the traffic since run 1", stable: v3, refused: undefined }), spec: { release: "v4" } }, seen: { stamp: null }, then: { kind: "stay", phase: "Healthy", reason: "Succeeded", message: "v3 has all the traffic since run 1" } },
    { when: "the refused version has weight in it", rollout: ended({ endedFrom: "42" }), seen: { split: two, stamp: null }, then: { kind: "stay", phase: "Degraded" } },
  ],
  undone: [
    { when: "a Deployment holds what was taken back", rollout: { ...ended({ deployment: "reviews" }), ...holding, finalizers: ["weir.dev/deployment"], command: "undo id=c1 run=1 actor=alice" }, seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, seen: { sides: undefined } }), then: { kind: "restore", from: "v3", to: "v2", answer: { result: "Accepted", message: "the template of v2 is written back into Deployment bookinfo/reviews" } } },
    { when: "a person wants what was stable before", rollout: { ...ended({ outcome: "Succeeded", weight: 100, endedFrom: "1" }, { stable: v3, refused: undefined, formerStables: [v2] }), command: "undo id=c1 run=1 actor=alice" }, seen: { split: { v2: 0, v3: 100 }, stamp: null }, then: { kind: "begin", run: { from: v3, to: v2, direct: true, enter: 0, refuse: { version: v3, because: "Aborted" } } } },
  ],
  superseded: [
    { when: "the spec names a newer version", rollout: { spec: { release: "v4" } }, then: { kind: "end", outcome: "Superseded", why: "spec.release names v4" } },
    { when: "the spec names a newer version while the old one is kept", rollout: { ...kept(), spec: { ...switching.spec, release: "v4" } }, seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "Succeeded", phase: "Healthy", why: "v2 was kept until spec.release names v4" } },
    { when: "the image changed while the old version is kept", rollout: kept(), seen: { ...asSwitched, seconds: 300, revisions: { v3: "r1-fixed" } }, then: { kind: "end", outcome: "Superseded" } },
    { when: "another template comes while a Deployment rolls, and half of its pods are new ones", rollout: overtaken(), seen: overtakenWith({ v1: 1, v2: 2 }), then: { kind: "end", outcome: "Succeeded", phase: "Healthy", why: "the Deployment holds the template of v3 now, and at least half of its pods were of v2 by then" } },
    { when: "another template comes while a Deployment rolls, and most of its pods are the ones before", rollout: overtaken(), seen: overtakenWith({ v1: 3, v2: 1 }), then: { kind: "end", outcome: "Superseded" } },
    { when: "the image behind the canary changed", seen: { revisions: { v3: "r1-fixed" } }, then: { kind: "end", outcome: "Superseded" } },
    { when: "the route is another one now", rollout: { spec: { traffic: aTarget("reviews", "primary") } }, then: { kind: "end", outcome: "Superseded", why: "spec.traffic was edited" } },
  ],
  refusedRaised: [
    { when: "somebody gives the refused version weight at rest, and the weights do not add up", rollout: ended(), seen: mangledTo({ v2: 100, v3: 10 }, { stamp: null }), then: { kind: "repair", phase: "Degraded" } },
    { when: "somebody gives the refused version weight at rest", rollout: ended(), seen: { split: two, stamp: null, route: { writers: [{ manager: "argocd", atMs: 0 }] } }, then: { kind: "repair", phase: "Degraded", message: expect.stringContaining("argocd") } },
    { when: "somebody picks requests out for the refused version at rest", rollout: ended({ endedFrom: "40" }), seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { matched: { version: "v3", isIntact: false } } }, then: { kind: "repair", message: expect.stringContaining("to the matched requests") } },
    { when: "somebody gives the refused version weight at rest in one of the routes that move together", rollout: ended(), seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { along: [aLane({ v2: 60, v3: 40 })] } }, then: { kind: "repair", message: expect.stringContaining("to 40: it is put back to 0") } },
    { when: "somebody gives the refused version weight at rest, and stable has no ready pod", rollout: ended(), seen: { split: two, stamp: null, ready: { v2: 0 } }, then: { kind: "stay", reason: "StableUnready", message: expect.stringContaining("as soon as v2 has a ready pod") } },
  ],
  settled: [
    { when: "the release is stable", rollout: ended({ outcome: "Succeeded", weight: 100 }, { stable: v3, refused: undefined }), seen: { split: { v2: 0, v3: 100 }, stamp: null }, then: { kind: "adopt", phase: "Healthy", reason: "Succeeded" } },
    { when: "the refused revision is still named", rollout: ended(), seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "adopt", stable: v2, phase: "Degraded", reason: "RolledBack" } },
    { when: "the owner splits the traffic at rest", rollout: ended({ outcome: "Succeeded", weight: 100 }, { stable: v3, refused: undefined }), seen: { split: { v2: 20, v3: 80 }, stamp: null }, then: { phase: "Healthy", message: expect.stringContaining("v2 20, v3 80") } },
    { when: "the run left others their share", rollout: ended({ outcome: "Succeeded", weight: 100, points: 80 }, { stable: v3, refused: undefined }), seen: { split: { v2: 0, v3: 80, v1: 20 }, stamp: null }, then: { kind: "adopt", phase: "Healthy", reason: "Succeeded" } },
    { when: "somebody gave everything to another version", rollout: ended(), seen: { split: { v1: 100, v3: 0 }, stamp: null }, then: { stable: { version: "v1", revision: "r1-v1" } } },
  ],
  started: [
    { when: "somebody gave everything to another version, which is stable from then on", rollout: ended({ outcome: "Succeeded", weight: 100 }, { stable: v2, refused: undefined }), seen: { split: { v1: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { from: { version: "v1", revision: "r1-v1" }, to: v3 } } },
    { when: "another version is named", rollout: { ...ended(), spec: { release: "v4" } }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { from: v2, to: { version: "v4", revision: "r1-v4" }, enter: 0, shape: { added: true, unweighted: false } } } },
    { when: "the refused version runs something else now", rollout: ended(), seen: { split: { v2: 100, v3: 0 }, stamp: null, revisions: { v3: "r1-fixed" } }, then: { kind: "begin", run: { to: { version: "v3", revision: "r1-fixed" } } } },
    { when: "a person says retry", rollout: { ...ended(), command: "retry id=c1 run=1 actor=alice" }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", answer: { result: "Accepted" } } },
    { when: "a former stable is named", rollout: { ...ended({}, { formerStables: [{ version: "v1", revision: "r1-v1" }] }), spec: { release: "v1" } }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { direct: true } } },
    { when: "a former stable is named beyond the window", rollout: { ...ended({}, { formerStables: [v2, v3, { version: "v4", revision: "x" }, { version: "v1", revision: "r1-v1" }] }), spec: { release: "v1" } }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { direct: false } } },
  ],
  takenOver: [
    { when: "somebody puts a Deployment's plain route back", rollout: held(), seen: standing({}, { split: { v2: null }, route: { isSplit: false, writers: [{ manager: "kubectl-edit", atMs: 1 }] } }), then: { kind: "yield", points: 0, phase: "Paused", reason: "RouteEditedByHand", message: "kubectl-edit had VirtualService bookinfo/reviews lead to every pod again, so v3 has none for now: resume goes on at the step above it, abort takes it back" } },
    { when: "a Deployment's plain route comes back before the preview was seen on it", rollout: { ...held({ ladder: SWITCHING, step: 0, weight: 0, points: 0, previewed: HOST, pausedBy: "Step", inForceAt: undefined }), spec: { ...holding.spec, ...switching.spec } }, seen: standing({}, { split: { v2: null }, stamp: null, route: { isSplit: false, writers: [{ manager: "kubectl-edit", atMs: 1 }] } }), then: { kind: "yield", points: 0, reason: "RouteEditedByHand" } },
    { when: "somebody lowers it while the Deployment rolls", rollout: held(rolls), seen: standing({ isPaused: false, isHeld: false, rolledPods: 2, otherPods: 2 }, { split: { v2: 50, v3: 50 }, route: { writers: [{ manager: "kubectl-edit", atMs: 1 }] } }), then: { kind: "end", outcome: "RolledBack", restore: true, why: "kubectl-edit lowered v3 to 50% while the Deployment rolled to it" } },
    { when: "a hand lowered the share", seen: { split: { v2: 95, v3: 5 }, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 5, reason: "RouteEditedByHand", message: expect.stringContaining("kubectl-edit") } },
    { when: "a hand lowered the share in one of the routes that move together", seen: { route: { along: [aLane({ v2: 97, v3: 3 })], writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 3, message: expect.stringContaining("kubectl-edit lowered v3 from 10% to 3%") } },
    { when: "a tool that applies from git lowered the share", seen: { split: { v2: 100, v3: 0 }, route: { writers: [{ manager: "argocd-controller", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: "argocd-controller lowered v3 from 10% to 0%, and will again: exclude spec.http of VirtualService bookinfo/reviews from what it applies (weir doctor prints the rule), then resume; abort takes it back" } },
    { when: "a hand gave everything to others", seen: { split: { v1: 100, v2: 0, v3: 0 } }, then: { kind: "yield", points: 0, reason: "RouteEditedByHand", message: expect.stringContaining("from 10% to 0%") } },
    { when: "a hand took both away", seen: { split: { v1: null } }, then: { kind: "yield", points: 0, reason: "RouteEditedByHand" } },
    { when: "a hand took the matched requests away", rollout: picked(), seen: { split: { v2: 100, v3: 0 }, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: "kubectl-edit took the matched requests away from v3: resume goes on at the step above it, abort takes it back" } },
    { when: "a hand took the preview away", rollout: shown(), seen: { split: { v2: 100, v3: 0 }, route: { ...ofHosts(HOST), writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: `kubectl-edit took the requests for ${HOST} away from v3: resume goes on at the step above it, abort takes it back` } },
    { when: "a hand took the mirror away", rollout: mirrored(), seen: byHand([]), then: { kind: "yield", points: 0, message: "kubectl-edit took the shadows of requests away from v3: resume goes on at the step above it, abort takes it back" } },
    { when: "a hand took the routes away by which users stay", rollout: pinned(), seen: { split: two, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 10, message: "kubectl-edit took the users that stay with it away from v3: resume goes on at the step above it, abort takes it back" } },
    { when: "a hand put the route back as it was before users stayed", rollout: pinned(), seen: { split: { v2: 100, v3: 0 }, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: expect.stringContaining("kubectl-edit lowered v3 from 10% to 0%") } },
    { when: "a hand lowered the share of users", rollout: pinned(), seen: asPinned(PINNED, { v2: 95, v3: 5 }), then: { kind: "yield", points: 5 } },
    { when: "a hand sends the copies elsewhere", rollout: mirrored(), seen: byHand([mirrorAt(20, "audit")]), then: { kind: "yield", points: 0, message: expect.stringContaining("took the shadows of requests away from v3") } },
    { when: "a hand took everything", seen: { split: { v2: 100, v3: 0 } }, then: { kind: "yield", points: 0 } },
  ],
  stalled: [
    { when: "the pods do not become ready in time", rollout: { status: aStatus({ run: aRun({ epoch: 0, weight: 0, points: 0, step: -1, waitingSince: at(0), checks: [] }) }) }, seen: { seconds: 601, split: { v2: 100, v3: 0 }, stamp: null, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", reason: "NeverReady", refuse: "NeverReady" } },
  ],
  drifted: [
    { when: "a hand raised the share", seen: { split: { v2: 0, v3: 100 } }, then: { kind: "repair", phase: "Progressing" } },
    { when: "a hand raised the share to weights that do not add up", seen: mangledTo({ v2: 50, v3: 10 }), then: { kind: "repair", message: expect.stringContaining("kubectl-edit raised v3 to 16.7%; it is put back to 10%") } },
    { when: "a hand raised the share in one of the routes that move together", seen: { route: { along: [aLane({ v2: 20, v3: 80 })] } }, then: { kind: "repair", message: expect.stringContaining("raised v3 to 80%; it is put back to 10%") } },
    { when: "a hand mirrors more", rollout: mirrored(), seen: byHand([mirrorAt(90)]), then: { kind: "repair", message: "kubectl-edit changed which requests are mirrored to v3; it gets shadows of 20% again" } },
    { when: "a hand changed where users stay", rollout: pinned(), seen: asPinned({ ...PINNED, isIntact: false }), then: { kind: "repair", message: "kubectl-edit changed which users stay with v3; it gets 10% of them again" } },
    { when: "a hand brought back routes by which users stayed", seen: asPinned({ ...PINNED, isIntact: false }), then: { kind: "repair", message: expect.stringContaining("changed which users stay with v3") } },
    { when: "a hand put somebody else beside the two whose users stay", rollout: pinned(), seen: asPinned(PINNED, { v1: 5, v2: 86, v3: 9 } as typeof two), then: { kind: "repair", message: expect.stringContaining("changed which users stay with v3") } },
    { when: "a hand mirrors twice", rollout: mirrored(), seen: byHand([mirrorAt(20), mirrorAt(20)]), then: { kind: "repair" } },
    { when: "a hand sends the copies to another port", rollout: mirrored(), seen: byHand([{ ...mirrorAt(20), isAsRouted: false }]), then: { kind: "repair" } },
    { when: "a hand brings back a mirror whose step is over", rollout: mirrored({ step: 2, weight: 10, points: 10, mirrored: 0 }), seen: { ...byHand([mirrorAt(20)]), split: { v2: 90, v3: 10 } }, then: { kind: "repair", message: "kubectl-edit changed which requests are mirrored to v3; it gets 10% again" } },
    { when: "a hand picked out other requests", rollout: picked(), seen: { ...asPicked, route: { matched: { version: "v3", isIntact: false }, writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "repair", message: "kubectl-edit changed which requests v3 gets; it gets the matched requests again" } },
    { when: "a hand changed the preview", rollout: shown(), seen: { ...asShown, route: { ...ofHosts(HOST), matched: { version: "v3", isIntact: false }, writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "repair", message: `kubectl-edit changed which requests v3 gets; it gets the requests for ${HOST} again` } },
    { when: "a hand picked requests out that no step asks for", seen: { route: { matched: { version: "v3", isIntact: false } } }, then: { kind: "repair", message: expect.stringContaining("it gets 10% again") } },
    { when: "it is the third time in five minutes", rollout: { status: aStatus({ run: aRun({ raises: [at(10), at(20)] }) }) }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "repair", phase: "Paused", reason: "RouteContested" } },
    { when: "the last repair was less than 30 s ago", rollout: { status: aStatus({ run: aRun({ raises: [at(10), at(15), at(20)], pausedBy: "RouteContested" }) }) }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "stay", reason: "RouteContested" } },
  ],
  commanded: [
    { when: "promote passes the hold", rollout: command("promote id=c1 run=1 actor=alice"), then: { kind: "enter", step: 1 } },
    { when: "promote passes the preview", rollout: { ...shown(), command: "promote id=c1 run=1 actor=alice" }, seen: asShown, then: { kind: "enter", step: 1, answer: { result: "Accepted", message: "goes on to 100%" } } },
    { when: "promote passes the last hold", rollout: { ...switched(), command: "promote id=c1 run=1 actor=alice" }, seen: asSwitched, then: { kind: "keep", answer: { result: "Accepted", message: "v3 keeps all the traffic, and v2 is kept for a while" } } },
    { when: "promote ends the keeping", rollout: { ...kept(), command: "promote id=c1 run=1 actor=alice" }, seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "Succeeded", answer: { result: "Accepted", message: "v3 keeps all the traffic" } } },
    { when: "promote to the end ends the keeping, too", rollout: { ...kept(), command: "promote id=c1 run=1 actor=alice full=true" }, seen: { ...asSwitched, seconds: 300 }, then: { kind: "end", outcome: "Succeeded" } },
    { when: "promote goes to a named step", rollout: command("promote id=c1 run=1 actor=alice to=100"), then: { kind: "enter", step: 2 } },
    { when: "promote goes down", rollout: { status: aStatus({ run: aRun({ step: 1, weight: 50, points: 50 }) }), command: "promote id=c1 run=1 actor=alice to=10" }, seen: { split: { v2: 50, v3: 50 } }, then: { kind: "enter", step: 0 } },
    { when: "promote goes to the end, although stable could not take its traffic back", rollout: command("promote id=c1 run=1 actor=alice full=true"), seen: { ready: { v2: 0 } }, then: { kind: "enter", step: 2 } },
    { when: "promote at the last step, of which a hand has left a Deployment's canary less, goes there again before it rolls", rollout: { ...held({ step: 2, weight: 40, points: 40, peak: 100, pausedBy: "RouteEditedByHand", pausedAt: at(0), pausedMessage: "lowered" }), command: "promote id=c1 run=1 actor=alice" }, seen: standing({}, { split: { v2: 60, v3: 40 } }), then: { kind: "enter", step: 1 } },
    { when: "promote at 100 lets a Deployment roll", rollout: { ...held({ step: 2, weight: 100, points: 100, peak: 100 }), command: "promote id=c1 run=1 actor=alice" }, seen: standing({}, atTheTop), then: { kind: "roll" } },
    { when: "promote goes to the end", rollout: command("promote id=c1 run=1 actor=alice full=true"), then: { kind: "enter", step: 2 } },
    { when: "promote at 100 ends the run", rollout: { status: aStatus({ run: aRun({ step: 2, weight: 100, points: 100 }) }), command: "promote id=c1 run=1 actor=alice" }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "end", outcome: "Succeeded" } },
    { when: "pause", rollout: command("pause id=c1 run=1 actor=alice"), then: { kind: "pause", by: "Command" } },
    { when: "resume", rollout: { status: aStatus({ run: aRun({ pausedBy: "Command" }) }), command: "resume id=c1 run=1 actor=alice" }, then: { kind: "resume" } },
    { when: "resume after a hand's edit goes above it", rollout: { status: aStatus({ run: aRun({ weight: 5, points: 5, pausedBy: "RouteEditedByHand" }) }), command: "resume id=c1 run=1 actor=alice" }, seen: { split: { v2: 95, v3: 5 } }, then: { kind: "enter", step: 0 } },
  ],
  mangled: [
    { when: "the weights do not add up, and the canary has no more than it should", seen: mangledTo({ v2: 95, v3: 10 }), then: { kind: "stay", phase: "Degraded", reason: "InvalidSpec", message: "the weights do not add up; run 1 of v3 waits at 10%, and abort gives everything to v2" } },
    { when: "the route bears another name now", seen: { ...passed, seen: { route: { ...absent, mendable: { ...routeAt({ v2: 10, v3: 90 }), foundAt: 1 } } } }, then: { kind: "stay", phase: "Pending", reason: "RouteMissing", message: expect.stringContaining("abort gives everything to v2") } },
    { when: "another tool holds more than there is", seen: mangledTo({ v1: 120, v2: 90, v3: 10 }), then: { kind: "stay", message: "the weights do not add up; run 1 of v3 waits at 10%, and abort ends it" } },
    { when: "the weights do not add up at rest", rollout: ended(), seen: mangledTo({ v2: 90, v3: 0 }, { stamp: null }), then: { kind: "stay", phase: "Degraded", reason: "InvalidSpec", message: "the weights do not add up" } },
  ],
  rolling: [
    { when: "its pods are being replaced", rollout: held(rolls), seen: standing({ isPaused: false, isHeld: false, rolledPods: 2, otherPods: 2 }, atTheTop), then: { kind: "stay", phase: "Progressing", reason: "Stepping", message: "Deployment bookinfo/reviews rolls to v3, which has all the traffic on its canary: 2 of 4 pods are ready" } },
    { when: "all of them are", rollout: held(rolls), seen: standing({ isPaused: false, isHeld: false, rolledPods: 4, otherPods: 0, isRolled: true }, atTheTop), then: { kind: "end", outcome: "Succeeded", phase: "Healthy" } },
    { when: "its deadline is over", rollout: held({ ...rolls, rollingSince: at(10) }), seen: standing({ isPaused: false, isHeld: false, rolledPods: 1, otherPods: 4, rollProblem: "ReplicaSet has timed out progressing", rollLimitMs: 1_000 }, atTheTop), then: { kind: "end", outcome: "RolledBack", phase: "Degraded", reason: "NeverReady", refuse: "NeverReady", restore: true, why: "Deployment bookinfo/reviews cannot roll to v3: ReplicaSet has timed out progressing" } },
    { when: "the roll before was late", rollout: held(rolls), seen: standing({ isPaused: false, isHeld: false, rolledPods: 1, otherPods: 4, rollProblem: "ReplicaSet has timed out progressing", rollLimitMs: 3_600_000 }, atTheTop), then: { kind: "stay", phase: "Progressing", reason: "Stepping" } },
    { when: "a metric asks for a person, who can stop nothing any more", rollout: { ...held({ ...rolls, checks: [aCheck({ verdict: "Fail", failuresInARow: 2 })] }), spec: { release: undefined, deployment: { name: "reviews" }, analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "pause" }] } } }, seen: standing({ isPaused: false, isHeld: false, rolledPods: 2, otherPods: 2 }, atTheTop), then: { kind: "stay" } },
  ],
  questioned: [
    { when: "a metric that asks for a person failed", rollout: { ...check({ verdict: "Fail", failuresInARow: 2 }), spec: { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "pause" }] } } }, then: { kind: "pause", by: "MetricFailed" } },
  ],
  opening: [
    { when: "the rule is not there yet", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, seen: { sides: undefined } }), then: { kind: "stay", waiting: true, phase: "Pending", reason: "NotReady", message: "v3 waits at 0%: the rule that tells the pods of v2 apart is not in force yet" } },
    { when: "the rule is of other pods", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, seen: { sides: { ...sides, stable: "hash-v1" } } }), then: { kind: "stay", waiting: true } },
    { when: "the rule is of an earlier run", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, seen: { sides: { ...sides, mark: "uid-1/0" } } }), then: { kind: "stay", waiting: true } },
    { when: "there can be no rule", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, seen: { sidesObstacle: "DestinationRule shop/reviews is in the way" } }), then: { kind: "stay", message: "v3 waits at 0%: DestinationRule shop/reviews is in the way" } },
    { when: "stable could not answer", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, { ...plain, ready: { v2: 0 } }), then: { kind: "stay", message: "v3 waits at 0%: v2 has no ready pod, so there is nothing to go back to" } },
    { when: "the rule is in force", rollout: held(unopened), seen: standing({ canaries: [], canaryPods: 0 }, plain), then: { kind: "split", phase: "Pending", reason: "NotReady" } },
    { when: "the route is being told", rollout: held({ ...unopened, isSplit: true, epoch: 1 }), seen: standing({ canaries: [], canaryPods: 0 }, plain), then: { kind: "stay", message: "v3 waits at 0%: the route is being told to lead to the pods of v2 alone" } },
  ],
  pending: [
    { when: "the weight is not in force yet", rollout: { status: aStatus({ run: aRun({ inForceAt: at(40) }) }) }, then: { kind: "stay", reason: "Stepping" } },
    { when: "somebody has edited the route since, so that our entry in managedFields is gone: the time of that edit counts, not that of the run's start", rollout: { status: aStatus({ run: aRun({ inForceAt: undefined, checks: [] }) }) }, seen: { route: { writers: [{ manager: "kubectl-edit", atMs: Date.parse(at(25)) }] } }, then: { kind: "stay", reason: "Stepping" } },
    { when: "the write is owed", rollout: { status: aStatus({ run: aRun({ inForceAt: undefined, epoch: 2 }) }) }, then: { kind: "stay", reason: "Stepping" } },
    { when: "the write is owed, and promote waits until the run stands where it passes on from", rollout: { status: aStatus({ run: aRun({ inForceAt: undefined, epoch: 2 }) }), command: "promote id=c1 run=1 actor=alice" }, then: { kind: "stay", reason: "Stepping" }, without: "answer" },
    { when: "the write is owed and the canary has no pod any more", rollout: { status: aStatus({ run: aRun({ inForceAt: undefined }) }) }, seen: { split: { v2: 100, v3: 0 }, stamp: null, ready: { v3: 0 } }, then: { phase: "Pending", reason: "NotReady", waiting: true } },
  ],
  paused: [
    { when: "a person paused", rollout: { status: aStatus({ run: aRun({ pausedBy: "Command", pausedMessage: "paused by alice" }) }) }, seen: passed, then: { phase: "Paused", reason: "Command", message: "paused by alice" } },
    { when: "nobody of stable is left who could answer", rollout: { status: aStatus({ run: aRun({ pausedBy: "Command", pausedMessage: "paused by alice" }) }) }, seen: { ...passed, ready: { v2: 0 } }, then: { kind: "stay", message: "paused by alice; v2 has no ready pod, so it could not take its traffic back" } },
    { when: "a timed pause is not over", rollout: { spec: { strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] } }, status: aStatus({ run: aRun({ step: 1, pausedBy: "Step", pausedAt: at(60), ladder: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] }) }) }, seen: { seconds: 359 }, then: { kind: "stay", reason: "Step" } },
  ],
  keeping: [
    { when: "the last step is over, and the old version is still to be kept", rollout: kept(), seen: { ...asSwitched, seconds: 669 }, then: { kind: "stay", phase: "Progressing", reason: "Holding", message: KEPT_SAID } },
    { when: "a person promoted the last step before its time, and before any pass", rollout: kept({ keptSince: at(10), checks: [aCheck({ verdict: "NoData", passes: 0 })] }), seen: { ...asSwitched, seconds: 20 }, then: { kind: "stay", message: KEPT_SAID } },
    { when: "nobody of the old version is left", rollout: kept(), seen: { ...asSwitched, seconds: 300, ready: { v2: 0 } }, then: { kind: "stay", message: `${KEPT_SAID}; v2 has no ready pod, so it could not take its traffic back` } },
    { when: "no request comes any more", rollout: kept({ checks: [aCheck({ verdict: "NoData", passes: 3 })] }), seen: { ...asSwitched, seconds: 300 }, then: { kind: "stay", message: KEPT_SAID } },
  ],
  holding: [
    { when: "nobody of stable is left who could answer", seen: { ready: { v2: 0 } }, then: { kind: "stay", message: expect.stringMatching(/^v3 stays at 10% for 1m; v2 has no ready pod, so it could not take its traffic back$/) } },
    { when: "only one of the caches has a ready pod of its canary", rollout: held(), seen: standing({ readyCanaryPods: 1 }, { ready: { v3: 0 } }), then: { kind: "stay", phase: "Progressing" } },
    { when: "the weight is in force, and the first look found nothing to judge yet", rollout: { status: aStatus({ reason: "Stepping", message: "v3 goes to 10%", run: aRun({ checks: [] }) }) }, then: { kind: "stay", reason: "Stepping", message: "v3 goes to 10%" } },
    { when: "the step has not had its time", then: { kind: "stay", reason: "Holding" } },
    { when: "passes are lacking", rollout: check({ passes: 2 }), seen: passed, then: { kind: "stay", held: true, message: expect.stringContaining("2 of 3 passes") } },
    { when: "one Fail is not enough to go back, and too much to go on", rollout: { ...check({ verdict: "Fail", failuresInARow: 1 }), spec: { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, failures: 2 }] } } }, seen: passed, then: { kind: "stay", held: true } },
    { when: "no request came", rollout: silent("NoData", {}), seen: passed, then: { kind: "stay", held: true, reason: "NoData" } },
    { when: "the provider failed", rollout: silent("Error", {}), seen: passed, then: { reason: "ProviderError" } },
    { when: "no data, and the policy is pause", rollout: silent("NoData", { onNoData: "pause" }), seen: passed, then: { kind: "pause", by: "HoldLimit" } },
    { when: "held for too long", rollout: { status: aStatus({ run: aRun({ heldSince: at(65), checks: [aCheck({ verdict: "NoData" })] }) }), spec: { analysis: { holdLimit: { after: "1m" } } } }, seen: { seconds: 126 }, then: { kind: "pause", by: "HoldLimit" } },
    { when: "nothing was looked at yet", rollout: { status: aStatus({ run: aRun({ checks: [] }) }) }, seen: passed, then: { kind: "stay", message: expect.stringContaining("not judged yet") } },
  ],
  nextStep: [
    { when: "a Deployment's canary is not there yet", rollout: held({ ...unopened, isSplit: true, epoch: 1, inForceAt: at(5) }), seen: standing({ canaries: [], canaryPods: 0 }, { split: { v2: 100 }, ready: { v3: 0 } }), then: { kind: "stay", waiting: true, message: expect.stringContaining("v3 waits at 0%: v3 has 0 of 1 ready pods that 10% needs") } },
    { when: "every step of a Deployment has passed", rollout: held({ step: 2, weight: 100, points: 100 }), seen: standing({}, { ...atTheTop, ...passed }), then: { kind: "roll", phase: "Progressing" } },
    { when: "time and evidence are there", seen: passed, then: { kind: "enter", step: 1 } },
    { when: "the old version's time is over, although nothing has passed since a person promoted", rollout: switched({ keptSince: at(10), checks: [aCheck({ verdict: "NoData", passes: 0 })] }), seen: { ...asSwitched, seconds: 611 }, then: { kind: "end", outcome: "Succeeded" } },
    { when: "the last step has passed", rollout: { status: aStatus({ run: aRun({ step: 2, weight: 100, points: 100 }) }) }, seen: { ...passed, split: { v2: 0, v3: 100 } }, then: { kind: "end", outcome: "Succeeded", phase: "Healthy" } },
    { when: "no data, and the policy is advance", rollout: silent("NoData", { onNoData: "advance" }), seen: passed, then: { kind: "enter", step: 1 } },
    { when: "a metric that is only told failed", rollout: { ...check({ verdict: "Fail", failuresInARow: 9 }), spec: { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "ignore" }] } } }, seen: passed, then: { kind: "enter", step: 1 } },
    { when: "steps go by time where nothing is judged", rollout: { status: aStatus({ run: aRun({ checks: [] }) }), spec: { analysis: { metrics: [] } } }, seen: passed, then: { kind: "enter", step: 1 } },
    { when: "the canary is not ready for more", seen: { ...passed, split: { v2: 50, v3: 50 }, ready: { v3: 1 } }, rollout: { status: aStatus({ run: aRun({ step: 1, weight: 50, points: 50 }) }) }, then: { kind: "stay", waiting: true, message: expect.stringContaining("1 of 2 ready pods") } },
    { when: "stable could not take its traffic back", seen: { ...passed, ready: { v2: 0 } }, then: { kind: "stay", waiting: true, message: expect.stringContaining("v2 has no ready pod") } },
    { when: "stable has half of its pods", seen: { ...passed, ready: { v2: 1 } }, then: { kind: "enter", step: 1 } },
    { when: "stable has less than half of its pods", seen: { ...passed, seen: { versions: { ...anObservation().versions, v2: { ...anObservation().versions["v2"]!, readyPods: 1, wantedPods: 3 } } } }, then: { kind: "stay", waiting: true, message: "v3 waits at 10%: v2 has 1 of 3 ready pods, so it could not take its traffic back" } },
    { when: "an autoscaler counts on the canary's pods", rollout: held(), seen: standing({}, { ...passed, seen: scaled({}) }), then: { kind: "stay", waiting: true, message: "v3 waits at 10%: v2 has 2 ready pods where all the traffic needs 4 by HorizontalPodAutoscaler bookinfo/reviews, so it could not take its traffic back" } },
    { when: "an autoscaler would leave stable as it is", rollout: held(), seen: standing({}, { ...passed, seen: scaled({ perPod: 0.55 }) }), then: { kind: "enter", step: 1 } },
    { when: "an autoscaler has made as many pods as it ever does", rollout: held(), seen: standing({}, { ...passed, seen: scaled({ maxPods: 2 }) }), then: { kind: "enter", step: 1 } },
    { when: "an autoscaler has not looked at the canary's pods yet", rollout: held(), seen: standing({}, { ...passed, seen: scaled({ readySinceMs: [at(0), at(0), at(60), at(60)].map(Date.parse) }) }), then: { kind: "enter", step: 1 } },
    { when: "an autoscaler divides a sum", rollout: held(), seen: standing({}, { ...passed, seen: scaled({ perPod: 0, ofAll: 3 }) }), then: { kind: "stay", message: expect.stringContaining("all the traffic needs 3") } },
    { when: "nobody may ask for the autoscaler", rollout: held(), seen: standing({}, { ...passed, seen: { autoscaler: "Weir may not list them" } }), then: { kind: "stay", message: expect.stringContaining("v2 has pods whose load is not known (Weir may not list them)") } },
    { when: "the others have everything", rollout: { status: aStatus({ run: aRun({ weight: 0, points: 0 }) }) }, seen: { ...passed, split: { v1: 100, v2: 0, v3: 0 } }, then: { kind: "stay", message: expect.stringContaining("nothing to share") } },
    { when: "the CRD is older than the daemon", seen: { ...passed, seen: { crdIsCurrent: false } }, then: { kind: "stay", message: expect.stringContaining("CRD") } },
    { when: "a pause is over before which a hand had left it nothing", rollout: { spec: { strategy: { steps: PAUSING } }, status: aStatus({ run: aRun({ ladder: PAUSING, step: 1, weight: 0, points: 0, checks: [], pausedBy: "Step", pausedAt: at(60) }) }) }, seen: { seconds: 400, split: { v2: 100, v3: 0 } }, then: { kind: "enter", step: 0, message: "v3 goes to 10%" } },
    { when: "a pause is over before which a hand took the matched requests away", rollout: { spec: { strategy: { steps: PICKING_AND_PAUSING } }, status: aStatus({ run: aRun({ ladder: PICKING_AND_PAUSING, step: 1, weight: 0, points: 0, checks: [], pausedBy: "Step", pausedAt: at(60) }) }) }, seen: { seconds: 400, split: { v2: 100, v3: 0 } }, then: { kind: "enter", step: 2, message: "v3 goes to 10%" } },
    { when: "testers have had their time", rollout: picked(), seen: { ...asPicked, ...passed }, then: { kind: "enter", step: 1, message: "v3 gets 10% and the matched requests" } },
    { when: "what was switched has had its time, and the old version is to be kept", rollout: switched(), seen: { ...asSwitched, ...passed }, then: { kind: "keep", phase: "Progressing", reason: "Holding", message: KEPT_SAID } },
    { when: "the old version was kept long enough", rollout: kept(), seen: { ...asSwitched, seconds: 670 }, then: { kind: "end", outcome: "Succeeded", phase: "Healthy" } },
    { when: "shadows have had their time", rollout: mirrored(), seen: { ...asMirrored, ...passed }, then: { kind: "enter", step: 1, message: "v3 gets shadows of 60%" } },
    { when: "a mirror is followed by the first weight", rollout: mirrored({ step: 1, mirrored: 60 }), seen: { ...byHand([mirrorAt(60)]), ...passed }, then: { kind: "enter", step: 2, message: "v3 goes to 10%" } },
    { when: "the route's own mirror leads to the new version, and no step has one", seen: { ...passed, route: { mirrors: [mirrorAt(5)] } }, then: { kind: "enter", step: 1 } },
    { when: "the next step picks nothing out any more", rollout: picked({ step: 1, weight: 10, points: 10 }), seen: { ...asPicked, ...passed, split: two }, then: { kind: "enter", step: 2, message: "v3 goes to 100%" } },
    { when: "a timed pause is over", rollout: { spec: { strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] } }, status: aStatus({ run: aRun({ step: 1, pausedBy: "Step", pausedAt: at(60), ladder: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] }) }) }, seen: { seconds: 361 }, then: { kind: "enter", step: 2 } },
  ],
};

/** The name of the rule that decides. */
function decidedBy(rollout: Parameters<typeof decide>[0], seen: Parameters<typeof decide>[1]): string | undefined {
  return Object.entries(RULES).find(([, rule]) => rule(caseOf(rollout, seen)) !== undefined)?.[0];
}

/** What a daemon sees whose cache of routes is behind its cache of Rollouts: the route as it was before the weight in force was written. */
test.each([
  ["lower", { v2: 100, v3: 0 }],
  ["higher", { v2: 0, v3: 100 }],
])("a share that was %s before our own write is no hand on the wheel", (_how, split) => {
  const rollout = aRollout({ status: aStatus({ run: aRun({ shownAt: "41" }) }) });
  const seenAt = (resourceVersion: string) => anObservation({ split, seconds: 30, route: { resourceVersion, writers: [{ manager: "helm", atMs: Date.parse(at(20)) }] } });
  expect(decide(rollout, seenAt("9")).kind).toBe("stay");
  expect(decide(rollout, seenAt("100")).kind).not.toBe("stay");
});

test("a refused version's share from before the run ended is no hand on the wheel", () => {
  const rollout = aRollout(ended({ endedFrom: "41" }));
  const seenAt = (resourceVersion: string) => anObservation({ split: { v2: 0, v3: 100 }, stamp: null, route: { resourceVersion } });
  expect(decide(rollout, seenAt("9")).kind).not.toBe("repair");
  expect(decide(rollout, seenAt("100")).kind).toBe("repair");
});

test.each([
  ["one that bears our stamp is yet to be seen, and the route must move on", "9", "uid-1/1.1"],
  ["nothing is owed", "100", undefined],
])("after a run that ended at a route %s", (_, resourceVersion, stamp) => {
  const rollout = aRollout(ended({ shownAt: "41", endedFrom: resourceVersion }));
  const it = caseOf(rollout, anObservation({ split: { v2: 100, v3: 0 }, stamp: null, route: { resourceVersion } }));
  expect(lastWrites(it, it.ended!)[0]?.stamp).toBe(stamp);
});

describe("what a pause with a preview, and an old version that is kept, do to the run", () => {
  const after = (rollout: RolloutChange, seen: ObservationChange) => {
    const [one, other] = [aRollout(rollout), anObservation(seen)];
    return nextStatus(one, other, decide(one, other));
  };

  test("the pause begins with the preview in one write, and leaves the share as it is", () => {
    const { phase, version, message, run } = after({ status: null, ...switching }, { split: { v2: 100, v3: 0 }, stamp: null, route: ofHosts(HOST) });
    expect({ phase, version }).toEqual({ phase: "Paused", version: SESSION_STATUS_VERSION });
    expect(run).toMatchObject({ step: 0, weight: 0, points: 0, epoch: 1, previewed: HOST, pausedBy: "Step", pausedMessage: message });
    expect(run).not.toHaveProperty("inForceAt");
  });

  test("a pause behind a share keeps it, with what is picked out beside it", () => {
    const steps = [{ weight: 10, match: TESTERS, hold: "1m" }, { pause: {}, preview: HOST }, { weight: 100, hold: "1m" }];
    const { run } = after({ spec: { strategy: { steps } }, status: aStatus({ run: aRun({ ladder: steps, matched: TESTERS }) }) }, { ...passed, route: { ...ofHosts(HOST), matched: { version: "v3", isIntact: true } } });
    expect(run).toMatchObject({ step: 1, weight: 10, points: 10, epoch: 2, matched: TESTERS, previewed: HOST, pausedBy: "Step" });
  });

  test("the switch takes the preview away, and the time of the old version begins when the switch has passed", () => {
    const { run } = after({ ...shown(), command: "promote id=c1 run=1 actor=alice" }, asShown);
    expect(run).toMatchObject({ step: 1, weight: 100, epoch: 2 });
    expect(run).not.toHaveProperty("previewed");
    const keeping = after(switched(), { ...asSwitched, ...passed });
    expect(keeping).toMatchObject({ phase: "Progressing", run: { keptSince: at(70) } });
    expect(keeping.run).not.toHaveProperty("outcome");
  });

  test("looks go on while it is kept, and where nothing is judged the next one is when its time is over", () => {
    expect(after(kept(), { ...asSwitched, seconds: 300 }).run?.nextLookAt).toBe(at(301)); // an interval of ten seconds, and one to settle
    const unjudged = { ...kept({ checks: [] }), spec: { ...switching.spec, analysis: { metrics: [] } } };
    expect(after(unjudged, { ...asSwitched, seconds: 300 }).run?.nextLookAt).toBe(at(670));
  });
});

test("a look that finds no newer scrape is not worth a write", () => {
  const rollout = aRollout({ status: aStatus({ reason: "Stepping", message: "v3 goes to 10%", run: aRun({ checks: [] }) }) });
  const seen = anObservation({ measurements: [{ kind: "skipped", name: "errors", instantMs: Date.parse(at(30)), query: "sum(istio_requests_total)" }] });
  const status = nextStatus(rollout, seen, decide(rollout, seen));
  expect(status.run).not.toHaveProperty("evidence");
  expect(isWorthCommitting({ ...rollout, status }, nextStatus({ ...rollout, status }, seen, decide(rollout, seen)), [])).toBe(false);
});

describe("rules", () => {
  test("every rule has rows, in the order of the policy", () => {
    expect(Object.keys(TABLE)).toEqual(Object.keys(RULES));
  });

  for (const [rule, rows] of Object.entries(TABLE)) {
    test.each(rows)(`${rule}: $when`, ({ rollout, seen, then, without }) => {
      const [one, other] = [aRollout(rollout), anObservation(seen)];
      expect(decidedBy(one, other)).toBe(rule);
      expect(decide(one, other)).toMatchObject(then);
      if (without) expect(decide(one, other)).not.toHaveProperty(without);
    });
  }
});

describe("commands that are refused", () => {
  const rest = ended();
  test.each([
    ["for another run", command("abort id=c1 run=7 actor=alice"), "for run 7"],
    ["abort at rest", { ...rest, command: "abort id=c1 run=1 actor=alice" }, "has ended"],
    ["retry in a run", command("retry id=c1 run=1 actor=alice"), "going on"],
    ["resume without a pause", command("resume id=c1 run=1 actor=alice"), "not paused"],
    ["resume at a pause of the ladder", { status: aStatus({ run: aRun({ pausedBy: "Step" }) }), command: "resume id=c1 run=1 actor=alice" }, "promote passes it"],
    ["promote after a failed metric without a reason", { status: aStatus({ run: aRun({ pausedBy: "MetricFailed" }) }), command: "promote id=c1 run=1 actor=alice" }, "--reason"],
    ["promote to a weight that is no step", command("promote id=c1 run=1 actor=alice to=33"), "10, 50, 100"],
    ["pause of what is paused", { status: aStatus({ run: aRun({ pausedBy: "Step" }) }), command: "pause id=c1 run=1 actor=alice" }, "paused already"],
    ["promote while suspended", { spec: { suspend: true }, command: "promote id=c1 run=1 actor=alice" }, "spec.suspend"],
    ["undo without a former stable", { ...rest, command: "undo id=c1 run=1 actor=alice" }, "nothing was stable before"],
    ["words that are no command", command("explode now"), "expected one of promote"],
    ["a run that is no number", command("abort id=c1 run=x actor=alice"), "run=NUMBER"],
  ] as const)("%s", (_, rollout: RolloutChange, message) => {
    const decision = decide(aRollout(rollout), anObservation(rollout === rest ? { split: { v2: 100, v3: 0 }, stamp: null } : {}));
    expect(decision.answer).toMatchObject({ result: "Refused", message: expect.stringContaining(message) as string });
  });

  test.each([
    ["promote where the weights do not add up", command("promote id=c1 run=1 actor=alice"), mangledTo({ v2: 90, v3: 20 }), "the weights do not add up"],
    ["promote where the others have everything", command("promote id=c1 run=1 actor=alice"), { split: { v1: 100, v2: 0, v3: 0 } }, "nothing to share"],
    ["promote where stable could not take its traffic back", command("promote id=c1 run=1 actor=alice"), { ready: { v2: 0 } }, "v2 has no ready pod, so it could not take its traffic back: promote --full gives v3 everything nevertheless"],
    ["promote where neither is there", command("promote id=c1 run=1 actor=alice"), { split: { v1: null } }, "leads to neither v2 nor v3"],
    ["promote to matched requests that nobody could answer", { ...picked({ step: -1, matched: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, ready: { v3: 0 } }, "0 of 1 ready pods"],
    ["promote to requests that the route asks about itself", { ...picked({ step: -1, matched: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: { conditions: ["header x-tester"] } }, "asks for header x-tester itself"],
    ["promote to a preview that is not as large yet as the switch needs it", { ...shown({ step: -1, previewed: undefined, epoch: 0, pausedBy: undefined }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: ofHosts(HOST), ready: { v3: 1 } }, "1 of 2 ready pods"],
    ["promote to a preview at a host that the route is not for", { ...shown({ step: -1, previewed: undefined, epoch: 0, pausedBy: undefined }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: ofHosts("reviews") }, `add - ${HOST} to spec.hosts of VirtualService bookinfo/reviews`],
    ["promote to a preview by a route that knows no hosts", { ...shown({ step: -1, previewed: undefined, epoch: 0, pausedBy: undefined }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 } }, "cannot pick out requests by their host"],
    ["promote to shadows that nobody could take", { ...mirrored({ step: -1, mirrored: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, ready: { v3: 0 } }, "0 of 1 ready pods"],
    ["promote to shadows where there is no room for them", { ...mirrored({ step: -1, mirrored: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: { mirrorObstacle: "has a mirror of its own" } }, "has a mirror of its own"],
    ["promote users where they cannot be kept", { ...pinned({ step: -1, sessions: undefined, weight: 0, points: 0, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: { sessionObstacle: "writes the header set-cookie itself" } }, "writes the header set-cookie itself"],
    ["resume where there is no route", { status: aStatus({ run: aRun({ pausedBy: "Command" }) }), command: "resume id=c1 run=1 actor=alice" }, { seen: { route: absent } }, "no VirtualService"],
    ["retry where there is no route", { ...rest, command: "retry id=c1 run=1 actor=alice" }, { seen: { route: absent } }, "no VirtualService"],
    ["undo where there is no route", { ...ended({}, { formerStables: [v2] }), command: "undo id=c1 run=1 actor=alice" }, { seen: { route: absent } }, "no VirtualService"],
  ] as const)("%s", (_, rollout: RolloutChange, seen: ObservationChange, message) => {
    expect(decide(aRollout(rollout), anObservation(seen)).answer).toMatchObject({ result: "Refused", message: expect.stringContaining(message) as string });
  });

  test("promote beyond what is ready says what is missing", () => {
    const decision = decide(aRollout(command("promote id=c1 run=1 actor=alice full=true")), anObservation({ ready: { v3: 1 } }));
    expect(decision.answer).toMatchObject({ result: "Refused", message: expect.stringContaining("1 of 2 ready pods") as string });
  });
});
