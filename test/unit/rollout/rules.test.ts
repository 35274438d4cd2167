/** Every rule of the policy, by what makes it decide. */
import { describe, expect, test } from "vitest";
import { decide, RULES } from "../../../src/rollout/decide.ts";
import type { Decision } from "../../../src/rollout/decision.ts";
import { isWorthCommitting } from "../../../src/rollout/effects.ts";
import { nextStatus } from "../../../src/rollout/next-status.ts";
import type { RouteFound } from "../../../src/rollout/observation.ts";
import { caseOf } from "../../../src/rollout/read-case.ts";
import { aTarget } from "../../support/istio-objects.ts";
import { aCheck, anObservation, aRollout, aRun, aStatus, at, type ObservationChange, type RolloutChange, v2, v3 } from "../../support/rollouts.ts";

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
    { when: "abort comes where the weights do not add up", rollout: command("abort id=c1 run=1 actor=alice"), seen: mangledTo({ v2: 90, v3: 20 }), then: { kind: "end", outcome: "Aborted", why: "aborted by alice; kubectl-edit had left VirtualService bookinfo/reviews at v2 90, v3 20, and its weights are mended" } },
    { when: "abort comes where another tool holds more than there is", rollout: command("abort id=c1 run=1 actor=alice"), seen: mangledTo({ v1: 120, v2: 90, v3: 10 }), then: { kind: "end", outcome: "Aborted", message: expect.stringContaining("could not be taken back to v2 yet: the weights do not add up") } },
    { when: "abort comes while suspended", rollout: { spec: { suspend: true }, command: "abort id=c1 run=1 actor=alice" }, then: { kind: "end", outcome: "Aborted" } },
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
    { when: "the release serves alone", rollout: { status: null }, seen: { split: { v3: null }, stamp: null }, then: { kind: "adopt", stable: v3, phase: "Healthy" } },
    { when: "exactly one other serves", rollout: { status: null }, seen: { split: { v2: 100, v3: 0 }, stamp: null }, then: { kind: "begin", run: { from: v2, to: v3, enter: 0, weight: 0, shape: { added: false, unweighted: false } } } },
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
    { when: "stable has no ready pod", rollout: ended(), seen: { ready: { v2: 0 } }, then: { kind: "stay", phase: "Degraded", reason: "StableUnready" } },
    { when: "requests are still picked out", rollout: ended(), seen: asPicked, then: { kind: "stay", phase: "Degraded", reason: "RolledBack" } },
    { when: "the last write was lost and stable is well", rollout: ended(), then: { kind: "stay", phase: "Degraded", reason: "RolledBack" } },
    { when: "a success's last write was lost", rollout: ended({ outcome: "Succeeded", weight: 100 }, { stable: v3, refused: undefined }), seen: { split: { v2: 0, v3: 100 } }, then: { kind: "stay", phase: "Healthy" } },
  ],
  harmful: [
    { when: "a metric failed often enough in a row", rollout: check({ verdict: "Fail", failuresInARow: 2, value: "5%" }), then: { kind: "end", outcome: "RolledBack", refuse: "RolledBack", why: expect.stringContaining("errors was 5%") } },
    { when: "a metric fails where the weights do not add up", rollout: check({ verdict: "Fail", failuresInARow: 2, value: "5%" }), seen: mangledTo({ v2: 90, v3: 9 }), then: { kind: "end", outcome: "RolledBack", why: expect.stringMatching(/^errors was 5%.*; kubectl-edit had left .* at v2 90, v3 9, and its weights are mended$/) } },
    { when: "the canary has weight and no ready pod", seen: { ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: expect.stringContaining("no ready pod") } },
    { when: "the canary has the matched requests and no ready pod", rollout: picked(), seen: { ...asPicked, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", why: "v3 has the matched requests and no ready pod" } },
    { when: "it hurts while a person has paused", rollout: { status: aStatus({ run: aRun({ pausedBy: "Command", checks: [aCheck({ verdict: "Fail", failuresInARow: 2 })] }) }) }, then: { kind: "end", outcome: "RolledBack" } },
    { when: "no data after the hold, and the policy is rollback", rollout: silent("NoData", { onNoData: "rollback" }), seen: passed, then: { kind: "end", why: expect.stringContaining("no request has reached v3") } },
    { when: "the provider fails after the hold, and the policy is rollback", rollout: silent("Error", { onProviderError: "rollback" }), seen: passed, then: { kind: "end", outcome: "RolledBack" } },
    { when: "held for too long, and then rollback", rollout: { status: aStatus({ run: aRun({ heldSince: at(60), checks: [aCheck({ verdict: "NoData" })] }) }), spec: { analysis: { holdLimit: { after: "1m", then: "rollback" } } } }, seen: { seconds: 121 }, then: { kind: "end", outcome: "RolledBack" } },
  ],
  undone: [
    { when: "a person wants what was stable before", rollout: { ...ended({ outcome: "Succeeded", weight: 100, endedFrom: "1" }, { stable: v3, refused: undefined, formerStables: [v2] }), command: "undo id=c1 run=1 actor=alice" }, seen: { split: { v2: 0, v3: 100 }, stamp: null }, then: { kind: "begin", run: { from: v3, to: v2, direct: true, enter: 0, refuse: { version: v3, because: "Aborted" } } } },
  ],
  superseded: [
    { when: "the spec names a newer version", rollout: { spec: { release: "v4" } }, then: { kind: "end", outcome: "Superseded", why: "spec.release names v4" } },
    { when: "the image behind the canary changed", seen: { revisions: { v3: "r1-fixed" } }, then: { kind: "end", outcome: "Superseded" } },
    { when: "the route is another one now", rollout: { spec: { traffic: aTarget("reviews", "primary") } }, then: { kind: "end", outcome: "Superseded", why: "spec.traffic was edited" } },
  ],
  refusedRaised: [
    { when: "somebody gives the refused version weight at rest, and the weights do not add up", rollout: ended(), seen: mangledTo({ v2: 100, v3: 10 }, { stamp: null }), then: { kind: "repair", phase: "Degraded" } },
    { when: "somebody gives the refused version weight at rest", rollout: ended(), seen: { split: two, stamp: null, route: { writers: [{ manager: "argocd", atMs: 0 }] } }, then: { kind: "repair", phase: "Degraded", message: expect.stringContaining("argocd") } },
    { when: "somebody picks requests out for the refused version at rest", rollout: ended({ endedFrom: "40" }), seen: { split: { v2: 100, v3: 0 }, stamp: null, route: { matched: { version: "v3", isIntact: false } } }, then: { kind: "repair", message: expect.stringContaining("to the matched requests") } },
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
    { when: "a hand lowered the share", seen: { split: { v2: 95, v3: 5 }, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 5, reason: "RouteEditedByHand", message: expect.stringContaining("kubectl-edit") } },
    { when: "a tool that applies from git lowered the share", seen: { split: { v2: 100, v3: 0 }, route: { writers: [{ manager: "argocd-controller", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: "argocd-controller lowered v3 from 10% to 0%, and will again: exclude spec.http of VirtualService bookinfo/reviews from what it applies (weir doctor prints the rule), then resume; abort takes it back" } },
    { when: "a hand gave everything to others", seen: { split: { v1: 100, v2: 0, v3: 0 } }, then: { kind: "yield", points: 0, reason: "RouteEditedByHand", message: expect.stringContaining("from 10% to 0%") } },
    { when: "a hand took both away", seen: { split: { v1: null } }, then: { kind: "yield", points: 0, reason: "RouteEditedByHand" } },
    { when: "a hand took the matched requests away", rollout: picked(), seen: { split: { v2: 100, v3: 0 }, route: { writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "yield", points: 0, message: "kubectl-edit took the matched requests away from v3: resume goes on at the step above it, abort takes it back" } },
    { when: "a hand took everything", seen: { split: { v2: 100, v3: 0 } }, then: { kind: "yield", points: 0 } },
  ],
  stalled: [
    { when: "the pods do not become ready in time", rollout: { status: aStatus({ run: aRun({ epoch: 0, weight: 0, points: 0, step: -1, waitingSince: at(0), checks: [] }) }) }, seen: { seconds: 601, split: { v2: 100, v3: 0 }, stamp: null, ready: { v3: 0 } }, then: { kind: "end", outcome: "RolledBack", reason: "NeverReady", refuse: "NeverReady" } },
  ],
  drifted: [
    { when: "a hand raised the share", seen: { split: { v2: 0, v3: 100 } }, then: { kind: "repair", phase: "Progressing" } },
    { when: "a hand raised the share to weights that do not add up", seen: mangledTo({ v2: 50, v3: 10 }), then: { kind: "repair", message: expect.stringContaining("kubectl-edit raised v3 to 16.7%; it is put back to 10%") } },
    { when: "a hand picked out other requests", rollout: picked(), seen: { ...asPicked, route: { matched: { version: "v3", isIntact: false }, writers: [{ manager: "kubectl-edit", atMs: 0 }] } }, then: { kind: "repair", message: "kubectl-edit changed which requests v3 gets; it gets the matched requests again" } },
    { when: "a hand picked requests out that no step asks for", seen: { route: { matched: { version: "v3", isIntact: false } } }, then: { kind: "repair", message: expect.stringContaining("it gets 10% again") } },
    { when: "it is the third time in five minutes", rollout: { status: aStatus({ run: aRun({ raises: [at(10), at(20)] }) }) }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "repair", phase: "Paused", reason: "RouteContested" } },
    { when: "the last repair was less than 30 s ago", rollout: { status: aStatus({ run: aRun({ raises: [at(10), at(15), at(20)], pausedBy: "RouteContested" }) }) }, seen: { split: { v2: 0, v3: 100 } }, then: { kind: "stay", reason: "RouteContested" } },
  ],
  commanded: [
    { when: "promote passes the hold", rollout: command("promote id=c1 run=1 actor=alice"), then: { kind: "enter", step: 1 } },
    { when: "promote goes to a named step", rollout: command("promote id=c1 run=1 actor=alice to=100"), then: { kind: "enter", step: 2 } },
    { when: "promote goes down", rollout: { status: aStatus({ run: aRun({ step: 1, weight: 50, points: 50 }) }), command: "promote id=c1 run=1 actor=alice to=10" }, seen: { split: { v2: 50, v3: 50 } }, then: { kind: "enter", step: 0 } },
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
  questioned: [
    { when: "a metric that asks for a person failed", rollout: { ...check({ verdict: "Fail", failuresInARow: 2 }), spec: { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "pause" }] } } }, then: { kind: "pause", by: "MetricFailed" } },
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
    { when: "a timed pause is not over", rollout: { spec: { strategy: { steps: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] } }, status: aStatus({ run: aRun({ step: 1, pausedBy: "Step", pausedAt: at(60), ladder: [{ weight: 10, hold: "1m" }, { pause: { duration: "5m" } }, { weight: 100, hold: "1m" }] }) }) }, seen: { seconds: 359 }, then: { kind: "stay", reason: "Step" } },
  ],
  holding: [
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
    { when: "time and evidence are there", seen: passed, then: { kind: "enter", step: 1 } },
    { when: "the last step has passed", rollout: { status: aStatus({ run: aRun({ step: 2, weight: 100, points: 100 }) }) }, seen: { ...passed, split: { v2: 0, v3: 100 } }, then: { kind: "end", outcome: "Succeeded", phase: "Healthy" } },
    { when: "no data, and the policy is advance", rollout: silent("NoData", { onNoData: "advance" }), seen: passed, then: { kind: "enter", step: 1 } },
    { when: "a metric that is only told failed", rollout: { ...check({ verdict: "Fail", failuresInARow: 9 }), spec: { analysis: { metrics: [{ name: "errors", errorRate: { max: "1%" }, onFail: "ignore" }] } } }, seen: passed, then: { kind: "enter", step: 1 } },
    { when: "steps go by time where nothing is judged", rollout: { status: aStatus({ run: aRun({ checks: [] }) }), spec: { analysis: { metrics: [] } } }, seen: passed, then: { kind: "enter", step: 1 } },
    { when: "the canary is not ready for more", seen: { ...passed, split: { v2: 50, v3: 50 }, ready: { v3: 1 } }, rollout: { status: aStatus({ run: aRun({ step: 1, weight: 50, points: 50 }) }) }, then: { kind: "stay", waiting: true, message: expect.stringContaining("1 of 2 ready pods") } },
    { when: "stable could not take its traffic back", seen: { ...passed, ready: { v2: 0 } }, then: { kind: "stay", waiting: true, message: expect.stringContaining("v2 has no ready pod") } },
    { when: "the others have everything", rollout: { status: aStatus({ run: aRun({ weight: 0, points: 0 }) }) }, seen: { ...passed, split: { v1: 100, v2: 0, v3: 0 } }, then: { kind: "stay", message: expect.stringContaining("nothing to share") } },
    { when: "the CRD is older than the daemon", seen: { ...passed, seen: { crdIsCurrent: false } }, then: { kind: "stay", message: expect.stringContaining("CRD") } },
    { when: "a pause is over before which a hand had left it nothing", rollout: { spec: { strategy: { steps: PAUSING } }, status: aStatus({ run: aRun({ ladder: PAUSING, step: 1, weight: 0, points: 0, checks: [], pausedBy: "Step", pausedAt: at(60) }) }) }, seen: { seconds: 400, split: { v2: 100, v3: 0 } }, then: { kind: "enter", step: 0, message: "v3 goes to 10%" } },
    { when: "a pause is over before which a hand took the matched requests away", rollout: { spec: { strategy: { steps: PICKING_AND_PAUSING } }, status: aStatus({ run: aRun({ ladder: PICKING_AND_PAUSING, step: 1, weight: 0, points: 0, checks: [], pausedBy: "Step", pausedAt: at(60) }) }) }, seen: { seconds: 400, split: { v2: 100, v3: 0 } }, then: { kind: "enter", step: 2, message: "v3 goes to 10%" } },
    { when: "testers have had their time", rollout: picked(), seen: { ...asPicked, ...passed }, then: { kind: "enter", step: 1, message: "v3 gets 10% and the matched requests" } },
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
    ["promote where neither is there", command("promote id=c1 run=1 actor=alice"), { split: { v1: null } }, "leads to neither v2 nor v3"],
    ["promote to matched requests that nobody could answer", { ...picked({ step: -1, matched: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, ready: { v3: 0 } }, "0 of 1 ready pods"],
    ["promote to requests that the route asks about itself", { ...picked({ step: -1, matched: undefined, epoch: 0 }), command: "promote id=c1 run=1 actor=alice" }, { split: { v2: 100, v3: 0 }, route: { conditions: ["header x-tester"] } }, "asks for header x-tester itself"],
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
