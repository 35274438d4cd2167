/** Bugs in what a daemon sees and does through its ports. */
import type { Ports } from "../../../src/reconciler/ports.ts";
import { STAMP_MANAGER } from "../../../src/rollout/rollout.ts";
import type { Measurement, SideGrowth } from "../../../src/rollout/analysis/measurement.ts";
import type { RouteChange, RouteWritten } from "../../../src/traffic/traffic-router.ts";
import { inPorts } from "../world/tampering.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const PORT_BUGS = {
  noStampOnWithdrawal: {
    does: "skips the stamp on an intent that is withdrawn",
    breaks: "everythingEnds",
    caughtAt: 173,
    plant: () => onRoute(async (change, write) => (change.manager === STAMP_MANAGER && change.stamp !== null ? { resourceVersion: change.seen.resourceVersion, atMs: 0 } : write(change))),
  },
  onePointMore: {
    does: "gives the new version one point more than its share",
    breaks: "onlyKnownWeights",
    caughtAt: 2,
    plant: () => onRoute((change, write) => write(withOneMore(change))),
  },
  keepsTheAddition: {
    does: "leaves a destination that it added in the route",
    breaks: "shapeRestored",
    caughtAt: 3,
    plant: () => onRoute((change, write) => write(withBoth(change))),
  },
  keepsTheMatch: {
    does: "goes on picking requests out when nobody asks for it any more",
    breaks: "matchIsCommitted",
    caughtAt: 8,
    plant: () => onRoute((change, write) => write({ ...change, matched: change.matched ?? keptMatch(change) })),
  },
  keepsTheMirror: {
    does: "goes on copying requests when nobody asks for it any more",
    breaks: "mirrorIsCommitted",
    caughtAt: 9,
    plant: () => onRoute((change, write) => write(change.mirrored?.percent === 0 ? withoutMirrorWish(change) : change)),
  },
  keepsTheUsers: {
    does: "goes on keeping users with their version when nobody asks for it any more",
    breaks: "sessionsAreCommitted",
    caughtAt: 7,
    plant: () => {
      let kept: RouteChange["sessions"];
      return onRoute((change, write) => write({ ...change, sessions: (kept = change.sessions ?? kept) }));
    },
  },
  takesPodsForReady: {
    does: "takes every pod for ready",
    breaks: "readyBeforeTraffic",
    caughtAt: 4,
    plant: () => inPorts((ports) => ({ ...ports, workload: { ...ports.workload, see: (...asked) => ({ ...ports.workload.see(...asked), readyPods: 2, wantedPods: 2 }) } })),
  },
  believesAllIsWell: {
    does: "takes every request for a good one",
    breaks: "silenceIsNotSuccess",
    caughtAt: 71,
    plant: () => inPorts((ports) => ({ ...ports, metrics: { measure: async (question, signal) => praised(await ports.metrics.measure(question, signal)) } })),
  },
  ignoresTheCrd: {
    does: "steps up under a CRD that is older than it",
    breaks: "noStepUpUnderOldCrd",
    caughtAt: 416,
    plant: () => inPorts((ports) => ({ ...ports, rollouts: { ...ports.rollouts, crdIsCurrent: () => true } })),
  },
  overwritesNewerStatus: {
    does: "writes over the status of a newer daemon",
    breaks: "newerStatusIsLeftAlone",
    caughtAt: 6,
    plant: () => inPorts((ports) => ({ ...ports, rollouts: { ...ports.rollouts, get: (ref) => asOurs(ports.rollouts.get(ref)) } })),
  },
  tellsNobodyOfTheEnd: {
    does: "tells nobody how a run has ended",
    breaks: "peopleAreTold",
    caughtAt: 2,
    plant: () => inPorts((ports) => ({ ...ports, outbox: { ...ports.outbox, add: async (notice, ...rest) => (["RolledBack", "Aborted", "Succeeded"].includes(notice.event) ? undefined : ports.outbox.add(notice, ...rest)) } })),
  },
} as const satisfies Readonly<Record<string, PlantedBug>>;

function onRoute(write: (change: RouteChange, write: (change: RouteChange) => Promise<RouteWritten>) => Promise<RouteWritten>) {
  return inPorts((ports) => ({ ...ports, traffic: { ...ports.traffic, write: (change) => write(change, ports.traffic.write) } }));
}

function withoutMirrorWish({ mirrored: _, ...change }: RouteChange): RouteChange {
  return change;
}

function keptMatch({ seen }: RouteChange): RouteChange["matched"] {
  return seen.matched ? { version: seen.matched.version, alternatives: [{ headers: [{ name: "x-tester", exact: "true" }] }] } : null;
}

/** Where both get something. */
function withOneMore(change: RouteChange): RouteChange {
  const [stable, canary] = change.wanted;
  if (!stable?.points || !canary?.points) return change;
  return { ...change, wanted: [{ ...stable, points: stable.points - 1 }, { ...canary, points: canary.points + 1 }] };
}

function withBoth(change: RouteChange): RouteChange {
  const left = change.ours.filter((version) => !change.wanted.some((one) => one.version === version));
  const isLast = change.stamp === null && change.wanted.length === 1;
  return isLast ? { ...change, wanted: [...change.wanted.map((one) => ({ ...one, points: one.points ?? 100 })), ...left.map((version) => ({ version, points: 0 }))] } : change;
}

function praised(measurement: Measurement): Measurement {
  const good = (side: SideGrowth): SideGrowth => ({ ...side, bad: 0 });
  const { growth, ...rest } = measurement;
  const said = rest.kind === "counted" ? { ...rest, bad: 0 } : rest;
  return growth ? { ...said, growth: { ...growth, canary: good(growth.canary) } } : said;
}

function asOurs(rollout: ReturnType<Ports["rollouts"]["get"]>): ReturnType<Ports["rollouts"]["get"]> {
  return rollout && { ...rollout, statusIsNewer: false };
}
