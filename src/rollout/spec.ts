/** `Rollout.spec` as users write it: one schema from which types, defaults, the CRD and `weir lint` come. */
import { z } from "zod";
import { CLUSTER_VARIABLES } from "./analysis/envoy-cluster.ts";
import { QUERY_VARIABLES } from "./analysis/query-variables.ts";
import { DEFAULT_FALSE_ROLLBACK, DEFAULT_INTERVAL, DEFAULT_MAX_HOLD, DEFAULT_METRIC, DEFAULT_MIN_VERDICTS, DEFAULT_PROPAGATION, DEFAULT_SETTLE } from "./spec-defaults.ts";
import { judgedApart } from "./spec-followers.ts";
import { Count, Duration, lasting, LAST_WORD, ObjectName, Percentage, text, VersionName } from "./spec-fields.ts";
import { Deployment } from "./spec-deployment.ts";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";
import { ladderEndsAtAll, ladderIsNotEmpty, ladderRises, matchesComeFirst, mirrorsComeFirst, previewsComeFirst, MAX_STEPS } from "./spec-rules-of-steps.ts";
import { connectionsAreQueried, deploymentIsMoved, envoyKnowsVersions, holdsEndInTime, holdsGatherVerdicts, matchedAreLimited, routerCanMatch, routerCanPreview, routerCanPin, routesMoveByWeight, followersAreMoved, metricsAreOfServices, sessionsAreOfOneRoute, sessionsAreOfVersions, sessionsGoByWeights, stableIsAnother } from "./spec-rules-of-the-whole.ts";
import { problemsOf } from "./spec-problems.ts";
import { SessionAffinity } from "./spec-sessions.ts";
import { BlueGreen, Exponential, Linear, Step, stepsOfPreset } from "./spec-steps.ts";
import { Traffic } from "./spec-traffic.ts";

const variables = (names: readonly string[]) => names.map((name) => `$(${name})`).join(" ");

const Strategy = withRules(
  z.object({
    firstRun: z
      .enum(["ladder", "direct"])
      .default("ladder")
      .describe("How the very first run goes: ladder (default) takes the steps; direct goes to 100 as soon as the version is ready, for clusters that are rebuilt from git."),
    rollbackWindow: Count(0, 10)
      .default(3)
      .describe("How many former stable revisions have a direct way back: ready, then 100 in one write. 0 to 10, default 3."),
    progressDeadline: lasting("1s").default("10m").describe("How long the new version may take to become ready before the run is given up. Default 10m."),
    propagation: Duration.default(DEFAULT_PROPAGATION).describe(
      "How long a written weight takes to be in force in every proxy; holds and verdicts begin after it. Default 5s.",
    ),
    pace: z
      .enum(["fixed", "evidence"])
      .default("fixed")
      .describe("fixed (default): a step is left after its hold; evidence: as soon as the new version has been shown to be safe at the next weight, after hold at the earliest."),
    maxHold: lasting("1s")
      .default(DEFAULT_MAX_HOLD)
      .describe("With pace: evidence: how long a step may wait for it; then analysis.onInconclusive says what happens. Not shorter than any hold, default 5m."),
    steps: withRules(z.array(Step).max(MAX_STEPS, LAST_WORD), ladderIsNotEmpty, ladderRises, matchesComeFirst, previewsComeFirst, mirrorsComeFirst, ladderEndsAtAll)
      .optional()
      .describe("The ladder, from the first weight to 100: each step is a weight with its hold, requests that are picked out, both, shadows, a preview, or a pause. Default: 10, 25, 50 and 100 percent, one minute each."),
    linear: Linear.optional().describe("In place of steps: shares that rise evenly, and then 100. {by: 20, to: 60, every: 2m} is 20, 40, 60 and 100."),
    exponential: Exponential.optional().describe("In place of steps: shares of which each is so many times the one before, and then 100. {from: 5, every: 2m} is 5, 10, 20, 40, 80 and 100."),
    blueGreen: BlueGreen.optional().describe("In place of steps: all the traffic at once, after somebody has promoted it, and the old version still there for a while. {preview: reviews-preview.example, keepOld: 10m} shows it at that host before."),
    sessionAffinity: SessionAffinity.optional().describe("Users stay, by a cookie, with the version that has answered them, and the weights are shares of users; {} will do. Istio alone. Default: each request draws anew."),
  }),
  rules.atMostOne(["steps", "linear", "exponential", "blueGreen"], "keep one of them, or write every step under steps"),
);
type Strategy = z.output<typeof Strategy>;

export const SecretKeyRef = z.object({
  name: ObjectName.describe('Name of a Secret in the Rollout\'s namespace; it must carry the label weir.dev/use: "true".'),
  key: withRules(text(253), rules.isSecretKey).describe("Key within the Secret's data."),
});
export type SecretKeyRef = z.output<typeof SecretKeyRef>;

const SecretSource = z.object({ secretRef: SecretKeyRef.describe("Which key of which Secret.") });

export const PrometheusAuth = withRules(
  z.object({
    basic: z
      .object({
        username: withRules(text(256), rules.isUsername).describe("User name."),
        password: SecretSource.describe("Where the password is."),
      })
      .optional()
      .describe("User name and password."),
    bearer: SecretSource.optional().describe("A token that is sent as Authorization: Bearer."),
    /** Sent as X-Scope-OrgID. */
    tenant: withRules(text(256), rules.isTenant).optional().describe("Tenant of Mimir, Cortex or Thanos: sent as X-Scope-OrgID."),
    ca: SecretSource.optional().describe("PEM certificates that the server's certificate is checked against. Default: the usual authorities."),
  }),
  rules.notBoth("basic", "bearer", "keep the one that the server asks for"),
);
export type PrometheusAuth = z.output<typeof PrometheusAuth>;

export const PrometheusSource = z.object({
  url: withRules(text(1024), rules.isServerUrl).describe("Address of the Prometheus (or Thanos, Mimir, VictoriaMetrics) API, without /api/v1."),
  auth: PrometheusAuth.optional().describe("How to authenticate. Default: not at all."),
});
export type PrometheusSource = z.output<typeof PrometheusSource>;

/** Whose counters errorRate and latency are read from. */
export const TelemetrySource = z.enum(["istio", "linkerd", "envoy"]);
export type TelemetrySource = z.infer<typeof TelemetrySource>;

/** What to do with a failed metric. */
const OnFail = z.enum(["rollback", "pause", "ignore"]);
export type OnFail = z.infer<typeof OnFail>;

/** What to do with silence (law 6). */
export const OnSilence = z.enum(["hold", "advance", "rollback", "pause"]);
export type OnSilence = z.infer<typeof OnSilence>;

/** How the new version is compared with stable while both take traffic. */
const Compare = () => withRules(text(32), rules.isComparison).default("normal");
const compareSaid = (what: string, numbers: string) =>
  `How much worse than stable the new version may be: strict, normal (default) or lenient, which tolerate in the ${what} ${numbers}; or such numbers of your own; or none.`;

export const Metric = withRules(
  z.object({
    name: withRules(text(63), rules.isCheckName).describe("Unique within the Rollout; messages and status call the check by it."),
    errorRate: withRules(
      z.object({
        max: Percentage.optional().describe("Largest share of requests that may fail (5xx, or no answer), such as 1% or 0.5%. Default: no limit of its own."),
        compare: Compare().describe(compareSaid("share of failed requests", "1.1x+0.02%, 1.25x+0.05% and 1.5x+0.1%")),
      }),
      rules.isLimitedOrCompared,
    )
      .optional()
      .describe("Share of failed requests of the new version, from the telemetry of source."),
    latency: withRules(
      z.object({
        percentile: withRules(z.number(), rules.isPercentile).default(99).describe("From 1 to below 100: 99 (default) means that 99 of 100 requests must be faster than max."),
        max: lasting("1ms").optional().describe("Longest duration at that percentile, such as 500ms; it is rounded up to a bound of the histogram. Default: no limit of its own."),
        compare: Compare().describe(compareSaid("odds of a slow request, at several bounds of the histogram", "1.1x+0.05%, 1.25x+0.1% and 1.5x+0.1%")),
      }),
      rules.isLimitedOrCompared,
    )
      .optional()
      .describe("Duration of the new version's requests, from the telemetry of source."),
    query: withRules(text(4096), rules.isNotBlank, ...rules.usesOnly(QUERY_VARIABLES))
      .optional()
      .describe(
        `PromQL that gives one number, with the variables ${variables(QUERY_VARIABLES)}.`,
      ),
    min: z.number().optional().describe("With query: a smaller value fails."),
    max: z.number().optional().describe("With query: a larger value fails."),
    ratio: z.number().optional().describe("With query: a value larger than so many times the same query's about stable fails; $(canary.…) then stands for stable's."),
    of: ObjectName.optional().describe(
      "Where a VirtualService has follow: the name of the one whose versions are asked about. Default: of errorRate and latency each of them, as NAME and NAME.FOLLOWER; of a query the one that leads.",
    ),
    failures: Count(1, 100)
      .optional()
      .describe("How many failed verdicts in a row, within one step, make the metric fail. 1 to 100; default 2 for a query, 1 for errorRate and latency, whose verdict rests on the whole run."),
    onFail: OnFail.default("rollback").describe("What then happens: rollback (default) takes the traffic back, pause asks a person, ignore only tells."),
  }),
  rules.exactlyOne(["errorRate", "latency", "query"], "give each check a metric of its own"),
  rules.queryHasLimit,
  rules.onlyWith("min", "query", "errorRate and latency have their own max"),
  rules.onlyWith("max", "query", "errorRate and latency have their own max: errorRate: {max: 1%}"),
  rules.onlyWith("ratio", "query", "errorRate and latency have compare: errorRate: {compare: strict}"),
  rules.minBelowMax,
).transform((metric) => ({ ...metric, failures: metric.failures ?? (metric.query === undefined ? 1 : 2) }));
export type Metric = z.output<typeof Metric>;

export const Analysis = withRules(
  z.object({
    mode: z
      .enum(["enforce", "observe"])
      .default("enforce")
      .describe("enforce (default) moves traffic; observe judges and reports only and writes no route, beside another tool."),
    interval: lasting("1s").default(DEFAULT_INTERVAL).describe("How often every metric is judged. At least 1s, default 10s."),
    settle: Duration.default(DEFAULT_SETTLE).describe("How long after an instant its samples are asked for, so that late ones are in. At most the interval, default 1s."),
    minVerdicts: Count(1, 100)
      .default(DEFAULT_MIN_VERDICTS)
      .describe("How many conclusive passes of every metric a step needs before it may be left. 1 to 100, default 3."),
    minRequests: Count(1, 1_000_000)
      .default(20)
      .describe("How many requests a verdict of errorRate or latency needs; fewer are inconclusive, and the window grows. Default 20."),
    falseRollback: withRules(text(12), rules.isPercentage, rules.isFalseRollbackRate)
      .default(DEFAULT_FALSE_ROLLBACK)
      .describe("How likely, at most, a new version that is within its limits is taken back, over a whole run and however often it is judged. 0.01% to 20%, default 1%."),
    warmup: Duration.default("30s").describe("How long after its pods became ready the new version is only judged by the errors that its limit forbids. Default 30s."),
    onMissingTraffic: z
      .enum(["rollback", "pause", "ignore"])
      .default("rollback")
      .describe("What to do when the new version demonstrably gets less than half of the requests that its weight stands for: rollback (default), pause or ignore."),
    onNoData: OnSilence.default("hold").describe("What to do while no request reaches the new version: hold (default), advance, rollback or pause."),
    onInconclusive: OnSilence.default("hold").describe("What to do while there are too few requests to tell: hold (default), advance, rollback or pause."),
    onProviderError: OnSilence.default("hold").describe("What to do while Prometheus does not answer: hold (default), advance, rollback or pause."),
    holdLimit: z
      .object({
        after: lasting("1s").default("30m").describe("How long a step may wait for evidence. Default 30m."),
        then: z.enum(["pause", "rollback"]).default("pause").describe("What happens then: pause (default) asks a person, rollback takes the traffic back."),
      })
      .prefault({})
      .describe("How long holding may go on. Default: pause after 30m."),
    source: TelemetrySource.default("istio").describe("Whose metrics errorRate and latency are read from: istio (default), linkerd, or envoy where each version has a cluster of its own. Your own queries need none."),
    envoyCluster: withRules(text(253), ...rules.usesOnly(CLUSTER_VARIABLES), rules.namesVersion)
      .optional()
      .describe(`With source: envoy: what Envoy calls the cluster of a version, with the variables ${variables(CLUSTER_VARIABLES)}; such as $(namespace)_$(version)_80 with Contour.`),
    prometheus: PrometheusSource.optional().describe("The Prometheus to ask. Default: the daemon's."),
    metrics: withRules(
      z.array(Metric).max(20, LAST_WORD),
      rules.distinct("metric name", "self.map(metric, metric.name)", (metrics) => metrics.map(({ name }) => name)),
    )
      .prefault([{ name: DEFAULT_METRIC, errorRate: { max: "1%" } }])
      .describe(
        "What is judged. Default: one metric, errors, with errorRate at most 1% and no worse than stable's. An empty list judges nothing: steps go by time, and status says so.",
      ),
  }),
  rules.settlesWithinInterval,
  rules.envoyNamesClusters,
  rules.clustersAreEnvoys,
);
export type Analysis = z.output<typeof Analysis>;

export const NotificationEvent = z.enum([
  "Started",
  "StepReached",
  "Paused",
  "Resumed",
  "RolledBack",
  "Aborted",
  "Superseded",
  "Succeeded",
  "Stalled",
]);
export type NotificationEvent = z.infer<typeof NotificationEvent>;

const everyEvent = [...NotificationEvent.options];

export const Notification = withRules(
  z.object({
    /** With `channel` a bot token (own secretRef or the daemon's); with `webhook` an incoming webhook's URL from a Secret. */
    slack: withRules(
      z.object({
        channel: withRules(text(80), rules.isChannel).optional().describe('Channel such as "#deploys" (in quotes), or its id. One message per run, edited as it moves.'),
        secretRef: SecretKeyRef.optional().describe("Bot token for channel. Default: the daemon's."),
        webhook: SecretSource.optional().describe("An incoming webhook's address, from a Secret. One message per event."),
      }),
      rules.exactlyOne(["channel", "webhook"], 'write {channel: "#deploys"}, or {webhook: {secretRef: {name: slack, key: url}}}'),
      rules.onlyWith("secretRef", "channel", "the Secret of an incoming webhook stands under webhook"),
    )
      .optional()
      .describe("Tells a Slack channel."),
    webhook: z
      .object({
        url: withRules(text(1024), rules.isWebhookUrl).describe("Where CloudEvents are sent by POST."),
        secretRef: SecretKeyRef.optional().describe("Key of the HMAC-SHA256 signature. Default: not signed."),
      })
      .optional()
      .describe("Sends each event as CloudEvents JSON."),
    events: withRules(
      z.array(NotificationEvent).max(16, LAST_WORD),
      rules.holdsFrom(1, 16, "expected at least one event, got {came}; leave events out to be told of every one"),
      rules.distinct("event", "self", (events) => events),
    )
      .default(everyEvent)
      .describe("Which events are told. Default: every one."),
  }),
  rules.exactlyOne(["slack", "webhook"], "give each target a notification of its own"),
);
export type Notification = z.output<typeof Notification>;

const Link = z.object({
  title: withRules(text(80), rules.isNotBlank).describe("What the link is called in messages."),
  url: withRules(text(1024), rules.isLinkUrl, ...rules.usesOnly(rules.LINK_VARIABLES)).describe(
    `Address, with the variables ${variables(rules.LINK_VARIABLES)}.`,
  ),
});
type Link = z.output<typeof Link>;

export const RolloutSpec = withRules(
  z.object({
    release: VersionName.optional().describe(
      "The version that should end up with all the traffic: the name of a DestinationRule subset, or of a Service. Change it, and a run starts.",
    ),
    deployment: Deployment.optional().describe("In place of release: a Deployment that is updated in place. A new pod template waits, runs beside the present one, and takes its place when it has proven good."),
    stable: VersionName.optional().describe("The version that is stable at first sight; needed only where the route serves several others. No default."),
    suspend: z.boolean().default(false).describe("true: hands off, look and say but write no route (abort still works). Default false."),
    traffic: Traffic.describe("What splits the traffic."),
    strategy: Strategy.prefault({}).describe("How the traffic moves. Default: 10, 25, 50 and 100 percent, one minute each."),
    analysis: Analysis.prefault({}).describe("How the new version is judged. Default: every 10s, at most 1% of its requests may fail."),
    notifications: withRules(
      z.array(Notification).max(10, LAST_WORD),
      rules.distinct(
        "Slack channel",
        "self.filter(each, has(each.slack) && has(each.slack.channel)).map(each, each.slack.channel)",
        (all) => all.flatMap(({ slack }) => slack?.channel ?? []),
      ),
    )
      .default([])
      .describe("Who is told about a run. Default: nobody."),
    links: z.array(Link).max(10, LAST_WORD).default([]).describe("Links that every message ends with, such as a dashboard. Default: none."),
  }),
  rules.exactlyOne(["release", "deployment"], "name the version to deliver, or the Deployment whose pod template is to be delivered"),
  rules.onlyWith("stable", "release", "a Deployment's pods tell what serves now"),
  stableIsAnother,
  deploymentIsMoved,
  envoyKnowsVersions,
  holdsGatherVerdicts,
  holdsEndInTime,
  routerCanMatch,
  routerCanPreview,
  routesMoveByWeight,
  followersAreMoved,
  metricsAreOfServices,
  connectionsAreQueried,
  matchedAreLimited,
  routerCanPin,
  sessionsGoByWeights,
  sessionsAreOfOneRoute,
  sessionsAreOfVersions,
).transform(({ strategy, analysis, release = "", ...rest }) => ({
  ...rest,
  analysis: { ...analysis, metrics: judgedApart(analysis.metrics, rest.traffic) },
  /** With `deployment`: the version of its pod template, as last looked at; empty before the first look. */
  release,
  strategy: withSteps(strategy),
}));

/** A preset is another way to write steps. */
function withSteps({ linear, exponential, blueGreen, steps, ...rest }: Strategy) {
  return { ...rest, steps: steps ?? stepsOfPreset({ linear, exponential, blueGreen }) };
}

/** A spec with every default filled in; durations and percentages are still the strings that the user wrote. */
export type RolloutSpec = z.output<typeof RolloutSpec>;
/** A spec as written: everything with a default may be absent. */
export type RolloutSpecInput = z.input<typeof RolloutSpec>;

/** A spec as the API server has it; unknown fields are passed over, as the server prunes them. `invalid` is one sentence for people. */
export function parseSpec(raw: unknown): { readonly spec: RolloutSpec } | { readonly invalid: string } {
  const parsed = RolloutSpec.safeParse(raw);
  if (parsed.success) return { spec: parsed.data };
  const [first, ...others] = problemsOf(parsed.error, raw, "spec");
  const more = others.length > 0 ? ` (${others.length} more)` : "";
  return { invalid: `${first?.path}: ${first?.message}${more}` };
}
