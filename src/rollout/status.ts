/** `Rollout.status`: the state of record (law 1). Every field here is written by `nextStatus` alone. */
import { z } from "zod";
import { NotificationEvent } from "./spec.ts";
import { RouteMatch, Step } from "./spec-steps.ts";
import { Traffic } from "./spec-traffic.ts";

export const Phase = z.enum(["Pending", "Healthy", "Progressing", "Paused", "Degraded"]);
export type Phase = z.infer<typeof Phase>;

export const Reason = z.enum([
  "FirstSight", "RouteMissing", "TargetMissing", "NotReady",
  "Succeeded", "NothingToDo",
  "Stepping", "Holding", "NoData", "Inconclusive", "ProviderError",
  "Step", "Command", "MetricFailed", "HoldLimit", "RouteEditedByHand", "RouteContested", "Suspended",
  "RolledBack", "Aborted", "StableUnready", "StableUnknown", "ManagedByAnother", "InvalidSpec", "NeverReady",
]);
export type Reason = z.infer<typeof Reason>;

export const Verdict = z.enum(["Fail", "Error", "NoData", "Inconclusive", "Pass"]);
export type Verdict = z.infer<typeof Verdict>;

export const PausedBy = z.enum(["Step", "Command", "MetricFailed", "HoldLimit", "RouteEditedByHand", "RouteContested"]);
export type PausedBy = z.infer<typeof PausedBy>;

export const Outcome = z.enum(["Succeeded", "RolledBack", "Aborted", "Superseded"]);
export type Outcome = z.infer<typeof Outcome>;

export const Verb = z.enum(["promote", "pause", "resume", "abort", "undo", "retry"]);
export type Verb = z.infer<typeof Verb>;

/** Why a revision is not tried again (law 8). */
export const Refusal = z.enum(["RolledBack", "Aborted", "NeverReady"]);
export type Refusal = z.infer<typeof Refusal>;

export const VersionRevision = z.object({ version: z.string(), revision: z.string() });
/** A version's name and the hash of what runs behind it; an empty revision means that no pod was ever seen. */
export type VersionRevision = z.infer<typeof VersionRevision>;

export const Refused = z.object({ version: z.string(), revision: z.string(), because: Refusal, reason: z.string() });
export type Refused = z.infer<typeof Refused>;

/** The pods are cold, stable is beyond the limit itself, or the canary looks worse and that is not proven yet. */
export const HeldBy = z.enum(["WarmUp", "StableBroken", "Suspect"]);
export type HeldBy = z.infer<typeof HeldBy>;

export const Check = z.object({
  name: z.string(),
  /** As people read it: `5%`, `412ms`, `17`. */
  value: z.string().optional(),
  limit: z.string().optional(),
  /** Requests that the verdict rests on; absent for custom queries. */
  samples: z.int().optional(),
  verdict: Verdict,
  /** What keeps a verdict open although there were enough requests: whatever the policies say, the step is held for it. */
  heldBy: HeldBy.optional(),
  message: z.string().optional(),
  failuresInARow: z.int(),
  /** Conclusive passes in this step. */
  passes: z.int(),
  /** Built-ins: `analysis.minRequests` as it was for these passes; where it is raised they count no longer. */
  minRequests: z.int().optional(),
  /** Fingerprint of the metric's definition: another one starts the evidence afresh. */
  definition: z.string(),
  query: z.string().optional(),
  /** The instant (on the grid) that this verdict is about. */
  at: z.string(),
  /** Where the next window begins: the instant at which the last conclusive verdict ended, or the base in this step. Absent: no base yet. */
  since: z.string().optional(),
});
export type Check = z.infer<typeof Check>;

/** Bad requests by kind: what the limit forbids first, then what is slower than each compared bound. */
const Totals = z.object({ requests: z.int(), bad: z.array(z.int()) });
/** ln of the capital on each alternative of one test. */
const Capital = z.array(z.number());

/** What a run has learnt of one built-in metric: all that the next look needs to go on where this one ended. */
export const Evidence = z.object({
  name: z.string(),
  /** Fingerprint of what is measured and against what: another one starts the evidence afresh. */
  definition: z.string(),
  /** The instant up to which requests are counted. */
  at: z.string(),
  /** Since the run began. */
  canary: Totals,
  stable: Totals,
  /** φ: how much more than by chance bad requests come in bunches; fixed when the evidence begins. */
  dispersion: z.number(),
  /** Latency: the bounds at which both sides are compared, in milliseconds, and which part of stable's requests was slower than each before. */
  boundsMs: z.array(z.number()).optional(),
  slowerBefore: z.array(z.number()).optional(),
  /** Stable's requests, older ones fading, and the bad ones by kind. */
  past: z.object({ requests: z.number(), bad: z.array(z.number()) }),
  /** Looks that brought news: since the evidence began, since it is compared with stable, and within the step. */
  looks: z.int(),
  compared: z.int(),
  inStep: z.int(),
  /** Against stable: for latency a row for each bound, for errors a single one. */
  againstStable: z.array(Capital).optional(),
  againstLimit: Capital.optional(),
  /** The same test of stable: while it speaks against stable, the limit says nothing about the canary. */
  stableAgainstLimit: Capital.optional(),
  /** That the canary is better than stable. */
  better: Capital.optional(),
  /** Gathered within the step: that the next weight is safe (`pace: evidence`). */
  safe: Capital.optional(),
  /** Both sides' requests at each look, compact (see trail.ts). */
  trail: z.string(),
});
export type Evidence = z.infer<typeof Evidence>;

/** Whether the canary gets the share of the requests that its weight stands for. */
export const ShareEvidence = z.object({ looks: z.int(), capital: Capital, canary: z.int(), stable: z.int() });
export type ShareEvidence = z.infer<typeof ShareEvidence>;

/** A notification that not every target has got yet. */
export const Announcement = z.object({
  seq: z.int(),
  event: NotificationEvent,
  at: z.string(),
  weight: z.int(),
  message: z.string(),
});
export type Announcement = z.infer<typeof Announcement>;

export const Notified = z.object({
  /** `slack/#deploys`, `webhook/2`: unique within the Rollout, without secrets. */
  target: z.string(),
  seq: z.int(),
  event: NotificationEvent,
  /** The provider's handle on the run's message (for Slack `channel/ts`). */
  message: z.string().optional(),
  /** Set while delivery keeps failing: a sentence. */
  failing: z.string().optional(),
});
export type Notified = z.infer<typeof Notified>;

/** Users stay with the version that has answered them. */
export const Sessions = z.object({
  /** The cookie's name, and what follows its value. */
  cookie: z.string(),
  attributes: z.string(),
  /** The intent (epoch) with which the pins began: a cookie from before is nobody's. */
  since: z.int(),
  /** The canary's points of 100 at which users have drawn, ascending; the last one is in force. */
  shares: z.array(z.int()),
});
export type Sessions = z.infer<typeof Sessions>;

export const Run = z.object({
  number: z.int(),
  from: VersionRevision,
  to: VersionRevision,
  /** What the run steps through and where, as they were when it began (or at the last accepted edit). */
  ladder: z.array(Step),
  target: Traffic,
  /** `spec.release` when the run began; for an undo it is not the version that the run goes to. */
  release: z.string(),
  /** Index into ladder; -1 before the first step is reached. */
  step: z.int(),
  /** Committed canary share in percent, and in points of the route. */
  weight: z.number(),
  points: z.int(),
  /** Requests that go to the canary whatever its weight: those that one of the alternatives describes. Absent: none. */
  matched: z.array(RouteMatch).optional(),
  /** Host for which all requests go to the canary whatever its weight. Absent: none. */
  previewed: z.string().optional(),
  /** Share of the requests, in percent, that the canary gets copies of; 0 once a step with a mirror has been left. Absent: there was none, and whatever the route mirrors is its owner's. */
  mirrored: z.int().optional(),
  /** By which cookies users stay with their version at this weight. Absent: each request draws anew. */
  sessions: Sessions.optional(),
  /** Highest canary share that the run reached, in percent. */
  peak: z.number(),
  /** Raised at each intent to write the route. */
  epoch: z.int(),
  /** The canary's points in the route when the present intent, or success, was decided: less before the route shows it is a hand's doing. */
  decidedAt: z.int().optional(),
  /** resourceVersion of the newest route in which the run's intent was seen (of several objects: theirs, with commas between): whoever sees an older one has a cache that lags. */
  shownAt: z.string().optional(),
  /** Name of the Deployment that is delivered; absent: versions that run side by side anyway. */
  deployment: z.string().optional(),
  /** resourceVersion of the Deployment in which the run's template was seen: whoever sees an older one has a cache that lags. */
  templateAt: z.string().optional(),
  /** The route is to lead to our two sides of the Deployment instead of all its pods: only then is there a canary. */
  isSplit: z.boolean().optional(),
  /** Since when the Deployment itself rolls to the new template, which has all the traffic on its canary meanwhile. */
  rollingSince: z.string().optional(),
  /** Since when the last step is over, and the version before is kept although the new one has all the traffic. */
  keptSince: z.string().optional(),
  /** How the route looked before the run: whether Weir added the canary's destination, and whether the only destination had no weight. */
  shape: z.object({ added: z.boolean(), unweighted: z.boolean() }),
  startedAt: z.string(),
  /** When the weight came into force; absent until the route's write has been seen. */
  inForceAt: z.string().optional(),
  nextLookAt: z.string().optional(),
  /** Since when the step has been waiting for evidence (holdLimit is measured from here). */
  heldSince: z.string().optional(),
  /** Since when the run has been waiting for pods (progressDeadline is measured from here). */
  waitingSince: z.string().optional(),
  pausedBy: PausedBy.optional(),
  pausedAt: z.string().optional(),
  pausedMessage: z.string().optional(),
  checks: z.array(Check),
  /** What the run has learnt, through all its steps; absent before the first look. */
  evidence: z.array(Evidence).optional(),
  share: ShareEvidence.optional(),
  /** Times of foreign raises within the last five minutes. */
  raises: z.array(z.string()),
  /** A straight way (undo, --full, rollback window, firstRun: direct): 100 when ready, no ladder. */
  direct: z.boolean().optional(),
  announcements: z.array(Announcement),
  notified: z.array(Notified),
  /** The last announcement's number. */
  announced: z.int(),
  /** Observe mode: why Weir would have rolled back; said once per run. */
  wouldRollBack: z.string().optional(),
  outcome: Outcome.optional(),
  endedAt: z.string().optional(),
  /** resourceVersion of the route that the ending was decided from: while the route is still at it, the last write is owed. */
  endedFrom: z.string().optional(),
  actor: z.string().optional(),
  reason: z.string().optional(),
});
export type Run = z.infer<typeof Run>;

/** A pod template that Weir writes back into the Deployment; given up where the Deployment holds neither of the two any more. */
export const Restoring = z.object({ from: z.string(), to: z.string() });
export type Restoring = z.infer<typeof Restoring>;

export const PastRun = z.object({
  number: z.int(),
  from: VersionRevision,
  to: VersionRevision,
  outcome: Outcome,
  /** Highest canary share that the run reached, in percent. */
  weight: z.number(),
  startedAt: z.string(),
  endedAt: z.string(),
  actor: z.string().optional(),
  reason: z.string().optional(),
});
export type PastRun = z.infer<typeof PastRun>;

export const Condition = z.object({
  type: z.enum(["Ready", "Reconciling", "Stalled", "StableChangedInPlace", "ClockSkew", "DeliveryFailing", "CrdTooOld"]),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.int().optional(),
});
export type Condition = z.infer<typeof Condition>;

export const LastCommand = z.object({
  id: z.string(),
  verb: z.string(),
  run: z.int(),
  actor: z.string(),
  reason: z.string().optional(),
  result: z.enum(["Accepted", "Refused"]),
  message: z.string(),
  at: z.string(),
});
export type LastCommand = z.infer<typeof LastCommand>;

/** Raised when a field changes its meaning: a daemon leaves a status with a higher one alone (law 15). */
export const STATUS_VERSION = 5;
/** Of a status without several objects that move together, and without a Deployment by the Gateway API: a daemon that knows neither may go on with it. */
export const SESSION_STATUS_VERSION = 4;
/** Of a status with a mirror, and without session affinity, a preview or an old version that is kept: a daemon that knows none of those may go on with it. */
export const MIRROR_STATUS_VERSION = 3;
/** Of a status of a Deployment without a mirror: a daemon that knows no mirrors may go on with it. */
export const DEPLOYMENT_STATUS_VERSION = 2;
/** Of a status without anything of these in it: a daemon from before them may go on with it. */
export const PLAIN_STATUS_VERSION = 1;

export const RolloutStatus = z.object({
  version: z.int(),
  phase: Phase,
  reason: Reason,
  message: z.string(),
  /** `2/4`, for the printer column STEP; empty at rest. */
  step: z.string().optional(),
  /** `25%`, for the printer column WEIGHT. */
  weight: z.string().optional(),
  observedGeneration: z.int(),
  observedRevision: VersionRevision.optional(),
  /** How many runs there have been. */
  runs: z.int(),
  stable: VersionRevision.optional(),
  refused: Refused.optional(),
  /** Other revisions of what the spec names that were refused since it names it, newest first: they are not tried again either (law 8). */
  refusedBefore: z.array(Refused).optional(),
  formerStables: z.array(VersionRevision),
  /** Of a Deployment, until it is seen there. */
  restoring: Restoring.optional(),
  lastCommand: LastCommand.optional(),
  /** Ids of the commands answered before the last one, newest first: a late duplicate is not obeyed again (law 7). */
  answered: z.array(z.string()).optional(),
  conditions: z.array(Condition),
  /** The run that goes on, or the one that ended last. */
  run: Run.optional(),
  history: z.array(PastRun),
});
export type RolloutStatus = z.infer<typeof RolloutStatus>;
