/** A status in the middle of a run, as `nextStatus` could have written it. */
import { PLAIN_STATUS_VERSION, type Check, type RolloutStatus, type Run } from "../../src/rollout/status.ts";

export function aCheck(changes: Partial<Check> = {}): Check {
  return {
    name: "errors", value: "0.2%", limit: "1%", samples: 480, verdict: "Pass", message: "0.2% of 480 requests failed",
    failuresInARow: 0, passes: 2, definition: "d1", query: "sum(rate(istio_requests_total[1m]))", at: "2026-01-01T00:01:00.000Z", since: "2026-01-01T00:00:30.000Z",
    ...changes,
  };
}

export function aRun(changes: Partial<Run> = {}): Run {
  return {
    number: 7,
    from: { version: "v2", revision: "r2" },
    to: { version: "v3", revision: "r3" },
    ladder: [{ weight: 10, hold: "1m" }, { pause: {} }, { weight: 100, hold: "1m" }],
    target: { istio: { virtualServices: [{ name: "reviews" }] } },
    release: "v3",
    step: 0,
    weight: 10,
    points: 10,
    peak: 10,
    epoch: 1,
    shape: { added: false, unweighted: false },
    startedAt: "2026-01-01T00:00:00.000Z",
    inForceAt: "2026-01-01T00:00:06.000Z",
    nextLookAt: "2026-01-01T00:01:10.000Z",
    checks: [aCheck()],
    raises: [],
    announcements: [{ seq: 1, event: "Started", at: "2026-01-01T00:00:00.000Z", weight: 0, message: "v3 begins" }],
    notified: [{ target: "slack/#deploys", seq: 0, event: "Started", message: "C1/1.2" }],
    announced: 1,
    ...changes,
  };
}

export function aStatus(changes: Partial<RolloutStatus> = {}): RolloutStatus {
  return {
    version: PLAIN_STATUS_VERSION,
    phase: "Progressing",
    reason: "Stepping",
    message: "v3 has 10% of the traffic of reviews",
    step: "1/3",
    weight: "10%",
    observedGeneration: 2,
    observedRevision: { version: "v3", revision: "r3" },
    runs: 7,
    stable: { version: "v2", revision: "r2" },
    formerStables: [{ version: "v1", revision: "r1" }],
    conditions: [{ type: "Ready", status: "False", reason: "Stepping", message: "m", lastTransitionTime: "2026-01-01T00:00:00.000Z" }],
    run: aRun(),
    history: [],
    ...changes,
  };
}
