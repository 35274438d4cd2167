/** The rules that hold between the parts of a spec. */
import { DEFAULT_HOLD, DEFAULT_INTERVAL, DEFAULT_MAX_HOLD, DEFAULT_METRIC, DEFAULT_MIN_VERDICTS, DEFAULT_PROPAGATION } from "./spec-defaults.ts";
import { given, matches, ms } from "./spec-cel.ts";
import { celText, type Rule } from "./spec-rule.ts";
import type { RoutesNamed } from "./spec-rules-of-followers.ts";
import type { AnyStep, MATCHED_BY } from "./spec-rules-of-steps.ts";
import { DURATION_PATTERN, msOf } from "./units.ts";

const stepsAreGiven = "has(self.strategy) && has(self.strategy.steps)";
const switchesAtOnce = "has(self.strategy) && has(self.strategy.blueGreen)";
const presetPreviews = `${switchesAtOnce} && has(self.strategy.blueGreen.preview)`;

interface Named {
  readonly release?: string | undefined;
  readonly stable?: string | undefined;
}

export const stableIsAnother: Rule<Named> = {
  cel: "!has(self.stable) || !has(self.release) || self.stable != self.release",
  holds: ({ release, stable }) => stable === undefined || stable !== release,
  sentence: "expected stable to name another version than release, got {came} for both; name the version that serves now, or leave stable out",
  came: [{ cel: "self.release", of: ({ release = "" }) => release }],
  field: "stable",
};

interface Held {
  readonly deployment?: unknown;
  readonly analysis: { readonly mode: string };
}

/** Whoever only looks on cannot hold a pod template back. */
export const deploymentIsMoved: Rule<Held> = {
  cel: '!has(self.deployment) || !has(self.analysis) || !has(self.analysis.mode) || self.analysis.mode != "observe"',
  holds: ({ deployment, analysis }) => deployment === undefined || analysis.mode !== "observe",
  sentence: "expected analysis.mode enforce beside deployment, since a template that nobody holds cannot be judged before it serves, got observe; leave mode out, or name a release",
  field: "analysis.mode",
};

interface Routed extends Pick<Held, "deployment"> {
  readonly traffic: {
    readonly istio?: { readonly virtualServices: readonly RoutesNamed[] } | undefined;
    readonly gatewayApi?: { readonly httpRoutes?: readonly unknown[] | undefined; readonly grpcRoutes?: readonly unknown[] | undefined } | undefined;
  };
  readonly strategy: Climbing;
}

const anyVirtualService = (condition: string) => `has(self.traffic.istio) && self.traffic.istio.virtualServices.exists(one, ${condition})`;
const hasConnections = "((has(one.tlsRoutes) && size(one.tlsRoutes) > 0) || (has(one.tcpRoutes) && size(one.tcpRoutes) > 0))";
const connectionsOf = ({ tlsRoutes = [], tcpRoutes = [] }: RoutesNamed) => tlsRoutes.length + tcpRoutes.length > 0;
const virtualServicesOf = ({ traffic: { istio } }: Pick<Routed, "traffic">) => istio?.virtualServices ?? [];

/** Something else than one http or gRPC route. */
const severalRoutes = (kind: "httpRoutes" | "grpcRoutes") => `(has(self.traffic.gatewayApi) && has(self.traffic.gatewayApi.${kind}) && size(self.traffic.gatewayApi.${kind}) > 1)`;
const movesSeveral = `(${anyVirtualService(`size(self.traffic.istio.virtualServices.filter(one, !has(one.follow))) > 1 || (has(one.routes) && size(one.routes) > 1) || ${hasConnections}`)}) || ${severalRoutes("httpRoutes")} || ${severalRoutes("grpcRoutes")}`;
const severalOf = (spec: Pick<Routed, "traffic">) => {
  const { gatewayApi } = spec.traffic;
  const lists = [virtualServicesOf(spec).filter(({ follow }) => follow === undefined), gatewayApi?.httpRoutes, gatewayApi?.grpcRoutes];
  return lists.some((list = []) => list.length > 1) || virtualServicesOf(spec).some((one) => (one.routes?.length ?? 0) > 1 || connectionsOf(one));
};

/** Gives the new version requests by something else than a share. */
const goesBeyondShares = `(${stepsAreGiven} && self.strategy.steps.exists(step, has(step.match) || has(step.mirror) || has(step.preview))) || (${presetPreviews})`;
const isBeyondShares = ({ steps = [], blueGreen }: Climbing): boolean =>
  steps.some(({ match, mirror, preview }) => match !== undefined || mirror !== undefined || preview !== undefined) || blueGreen?.preview !== undefined;

/** A Deployment's sides, and what is picked out or mirrored, are of one route. */
export const routesMoveByWeight: Rule<Routed> = {
  cel: `!(${movesSeveral}) || (!has(self.deployment) && !(${goesBeyondShares}))`,
  holds: (spec) => !severalOf(spec) || (spec.deployment === undefined && !isBeyondShares(spec.strategy)),
  sentence: "expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  field: "traffic",
};

interface Followed extends Pick<Routed, "traffic" | "deployment"> {
  readonly analysis: { readonly mode: string; readonly metrics: readonly { readonly name: string; readonly of?: string | undefined }[] };
}

const hasFollowers = anyVirtualService("has(one.follow)");
const isFollowed = (spec: Pick<Routed, "traffic">) => virtualServicesOf(spec).some(({ follow }) => follow !== undefined);

/** Its route is ours to write, and asks for the labels of the callers' new pods, which must be known beforehand. */
export const followersAreMoved: Rule<Followed> = {
  cel: `!(${hasFollowers}) || (!has(self.deployment) && (!has(self.analysis) || !has(self.analysis.mode) || self.analysis.mode != "observe"))`,
  holds: (spec) => !isFollowed(spec) || (spec.deployment === undefined && spec.analysis.mode !== "observe"),
  sentence: "expected release, and analysis.mode enforce, beside a VirtualService with follow, whose new version is called by pods that the subsets of another one tell apart, got deployment or observe; take that out, or give each service a Rollout of its own",
  field: "traffic",
};

const isOfNone = `has(metric.of) && !(${hasFollowers} && self.traffic.istio.virtualServices.exists(one, one.name == metric.of))`;
const ofNone = (spec: Followed) => spec.analysis.metrics.find(({ of }) => of !== undefined && !(isFollowed(spec) && virtualServicesOf(spec).some(({ name }) => name === of)));

export const metricsAreOfServices: Rule<Followed> = {
  cel: `!has(self.analysis) || !has(self.analysis.metrics) || !self.analysis.metrics.exists(metric, ${isOfNone})`,
  holds: (spec) => ofNone(spec) === undefined,
  sentence: "expected of to name a VirtualService of traffic.istio.virtualServices, where one of them has follow, got {came} in {came}; name one of them, or take of out",
  came: [
    { cel: `self.analysis.metrics.filter(metric, ${isOfNone})[0].of`, of: (spec) => ofNone(spec)?.of ?? "" },
    { cel: `self.analysis.metrics.filter(metric, ${isOfNone})[0].name`, of: (spec) => ofNone(spec)?.name ?? "" },
  ],
  field: "analysis.metrics",
};

interface Connected extends Pick<Routed, "traffic"> {
  readonly analysis: { readonly metrics: readonly { readonly name: string; readonly errorRate?: unknown; readonly latency?: unknown }[] };
}

const metricsAreGiven = "has(self.analysis) && has(self.analysis.metrics)";
const isBuiltIn = "has(metric.errorRate) || has(metric.latency)";
const builtInOf = ({ analysis: { metrics } }: Connected) => metrics.find(({ errorRate, latency }) => errorRate !== undefined || latency !== undefined);

/** Nobody counts requests in a connection. */
export const connectionsAreQueried: Rule<Connected> = {
  cel: `!(has(self.traffic.istio) && size(self.traffic.istio.virtualServices) > 0 && self.traffic.istio.virtualServices.all(one, ${hasConnections} && (!has(one.routes) || size(one.routes) == 0))) || (${metricsAreGiven} && !self.analysis.metrics.exists(metric, ${isBuiltIn}))`,
  holds: (spec) => virtualServicesOf(spec).length === 0 || !virtualServicesOf(spec).every((one) => connectionsOf(one) && (one.routes?.length ?? 0) === 0) || builtInOf(spec) === undefined,
  sentence: "expected metrics with a query where only connections move (tlsRoutes, tcpRoutes), since no requests are counted in them, got {came}, which counts requests; write a query of your own, [] to judge nothing, or name an http route in routes as well",
  came: [{ cel: `${metricsAreGiven} ? self.analysis.metrics.filter(metric, ${isBuiltIn})[0].name : ${celText(DEFAULT_METRIC)}`, of: (spec) => builtInOf(spec)?.name ?? "" }],
  field: "analysis.metrics",
};

interface Pinned extends Pick<Held, "deployment"> {
  readonly traffic: Routed["traffic"];
  readonly strategy: Climbing & { readonly sessionAffinity?: unknown };
}

const staysWithVersions = "has(self.strategy) && has(self.strategy.sessionAffinity)";
const isPinned = ({ strategy }: Pinned) => strategy.sessionAffinity !== undefined;

/** The Gateway API gives each rule one way to answer, whichever of its Services did. */
export const routerCanPin: Rule<Pinned> = {
  cel: `!(${staysWithVersions}) || !has(self.traffic.gatewayApi)`,
  holds: (spec) => !isPinned(spec) || spec.traffic.gatewayApi === undefined,
  sentence: "expected traffic.istio beside sessionAffinity, since not every implementation of the Gateway API can set a cookie by which of a rule's Services answered, got gatewayApi; use istio, or take sessionAffinity out",
  field: "strategy.sessionAffinity",
};

/** Who is picked out, or copied, has no side to stay with. */
export const sessionsGoByWeights: Rule<Pinned> = {
  cel: `!(${staysWithVersions}) || !(${goesBeyondShares})`,
  holds: (spec) => !isPinned(spec) || !isBeyondShares(spec.strategy),
  sentence: "expected steps of weights alone beside sessionAffinity, since users draw by weights, got a match, a mirror or a preview; take that out, or sessionAffinity",
  field: "strategy.sessionAffinity",
};

/** Each route has cookies of its own to give. */
export const sessionsAreOfOneRoute: Rule<Pinned> = {
  cel: `!(${staysWithVersions}) || !(${movesSeveral})`,
  holds: (spec) => !isPinned(spec) || !severalOf(spec),
  sentence: "expected one http route beside sessionAffinity, since one cookie cannot say with which version of each a user stays, and connections have none, got others; name one, or take sessionAffinity out",
  field: "strategy.sessionAffinity",
};

/** Two more of its route's writes would have to be told apart from a hand's. */
export const sessionsAreOfVersions: Rule<Pinned> = {
  cel: `!(${staysWithVersions}) || !has(self.deployment)`,
  holds: (spec) => !isPinned(spec) || spec.deployment === undefined,
  sentence: "expected release beside sessionAffinity, since users cannot be kept with the two sides of a Deployment yet, got deployment; name a release, or take sessionAffinity out",
  field: "strategy.sessionAffinity",
};

interface Told {
  readonly deployment?: unknown;
  readonly analysis: { readonly source: string };
}

/** A pod template has no cluster whose name anybody could write down. */
export const envoyKnowsVersions: Rule<Told> = {
  cel: '!has(self.deployment) || !has(self.analysis) || !has(self.analysis.source) || self.analysis.source != "envoy"',
  holds: ({ deployment, analysis }) => deployment === undefined || analysis.source !== "envoy",
  sentence: "expected source istio or linkerd beside deployment, since the pods of one Service are in one cluster of Envoy, got envoy; name another source, or a release with a Service for each version",
  field: "analysis.source",
};

/** As written: by steps or a preset, or neither. */
interface Climbing {
  readonly steps?: readonly AnyStep[] | undefined;
  readonly linear?: { readonly every: string } | undefined;
  readonly exponential?: { readonly every: string } | undefined;
  readonly blueGreen?: { readonly preview?: string | undefined; readonly autoPromote?: string | undefined; readonly hold: string } | undefined;
}

interface Paced {
  readonly strategy: Climbing & { readonly pace: string; readonly maxHold: string; readonly propagation: string };
  readonly analysis: { readonly interval: string; readonly minVerdicts: number; readonly metrics: readonly unknown[] };
}

const propagation = given("self.strategy.propagation", DEFAULT_PROPAGATION);
const interval = given("self.analysis.interval", DEFAULT_INTERVAL);
const minVerdicts = `(has(self.analysis) && has(self.analysis.minVerdicts) ? self.analysis.minVerdicts : ${DEFAULT_MIN_VERDICTS})`;
const needed = `(${ms(propagation)} + (${minVerdicts} + 1) * ${ms(interval)})`;
const stepHold = `(has(step.hold) ? step.hold : ${celText(DEFAULT_HOLD)})`;
const everyOf = (preset: string) => `has(self.strategy) && has(self.strategy.${preset}) ? [has(self.strategy.${preset}.every) ? self.strategy.${preset}.every : ${celText(DEFAULT_HOLD)}]`;
const holdOfSwitch = `(has(self.strategy.blueGreen.hold) ? self.strategy.blueGreen.hold : ${celText(DEFAULT_HOLD)})`;
const holdOfPreview = "(has(self.strategy.blueGreen.preview) && has(self.strategy.blueGreen.autoPromote) ? [self.strategy.blueGreen.autoPromote] : [])";
const holdsOfSwitch = `${switchesAtOnce} ? ${holdOfPreview} + [${holdOfSwitch}]`;
/** Of every step that is no pause, as a list of CEL. */
const holds = `(${stepsAreGiven} ? self.strategy.steps.filter(step, !has(step.pause)).map(step, ${stepHold}) : ${everyOf("linear")} : ${everyOf("exponential")} : ${holdsOfSwitch} : [${celText(DEFAULT_HOLD)}])`;
const isJudged = "(has(self.analysis) && has(self.analysis.metrics) ? size(self.analysis.metrics) > 0 : true)";
const goesByEvidence = '(has(self.strategy) && has(self.strategy.pace) && self.strategy.pace == "evidence")';
const isTooShort = (hold: string) => `${matches(hold, DURATION_PATTERN)} && ${ms(hold)} < ${needed}`;

const neededMs = ({ strategy, analysis }: Paced) => msOf(strategy.propagation) + (analysis.minVerdicts + 1) * msOf(analysis.interval);
const holdsOf = ({ strategy: { steps, linear, exponential, blueGreen } }: { readonly strategy: Climbing }): readonly string[] => {
  if (steps) return steps.flatMap(({ pause, hold }) => (pause === undefined ? [hold ?? DEFAULT_HOLD] : []));
  const { every } = linear ?? exponential ?? {};
  if (every !== undefined || !blueGreen) return [every ?? DEFAULT_HOLD];
  const { preview, autoPromote, hold } = blueGreen;
  return [...(preview !== undefined && autoPromote !== undefined ? [autoPromote] : []), hold];
};
const shortHold = (spec: Paced) =>
  holdsOf(spec).find((hold) => DURATION_PATTERN.test(hold) && msOf(hold) < neededMs(spec));

/** A step that is left at the end of its hold must have had time for `minVerdicts` verdicts, the first window included; one that is left by evidence waits for them. */
export const holdsGatherVerdicts: Rule<Paced> = {
  cel:
    `${goesByEvidence} || !${isJudged} || !${matches(propagation, DURATION_PATTERN)} || !${matches(interval, DURATION_PATTERN)} || ` + `!${holds}.exists(hold, ${isTooShort("hold")})`,
  holds: (spec) =>
    spec.strategy.pace === "evidence" ||
    spec.analysis.metrics.length === 0 ||
    ![spec.strategy.propagation, spec.analysis.interval].every((each) => DURATION_PATTERN.test(each)) ||
    shortHold(spec) === undefined,
  sentence: "expected each hold to be at least {came}, which is propagation {came} + (minVerdicts {came} + 1) x interval {came}, got {came}; hold longer, or ask more often",
  came: [
    {
      cel: `${needed} % 1000 == 0 ? "%ss".format([string(${needed} / 1000)]) : "%sms".format([string(${needed})])`,
      of: (spec) => (neededMs(spec) % 1000 === 0 ? `${neededMs(spec) / 1000}s` : `${neededMs(spec)}ms`),
    },
    { cel: propagation, of: ({ strategy }) => strategy.propagation },
    { cel: `string(${minVerdicts})`, of: ({ analysis }) => String(analysis.minVerdicts) },
    { cel: interval, of: ({ analysis }) => analysis.interval },
    {
      cel: `${holds}.filter(hold, ${isTooShort("hold")})[0]`,
      of: (spec) => shortHold(spec) ?? "",
    },
  ],
  field: "strategy.steps",
};

interface Picking {
  readonly traffic: { readonly gatewayApi?: { readonly grpcRoutes?: unknown } | undefined };
  readonly strategy: Climbing;
  readonly analysis: { readonly metrics: readonly LimitedMetric[] };
}

interface LimitedMetric {
  readonly name: string;
  readonly errorRate?: { readonly max?: string | undefined } | undefined;
  readonly latency?: { readonly max?: string | undefined } | undefined;
}

const alternatives = (condition: string) => `self.strategy.steps.exists(step, has(step.match) && step.match.exists(one, ${condition}))`;
const alternativesOf = ({ strategy: { steps = [] } }: Picking) => steps.flatMap(({ match = [] }) => match);

/** The Gateway API knows no callers, and its GRPCRoutes no query. */
export const routerCanMatch: Rule<Picking> = {
  cel:
    `!(${stepsAreGiven}) || !has(self.traffic.gatewayApi) || ` +
    `(!${alternatives("has(one.sourceLabels) || has(one.gateways)")} && (!has(self.traffic.gatewayApi.grpcRoutes) || !${alternatives("has(one.query)")}))`,
  holds: (spec) => {
    const { gatewayApi } = spec.traffic;
    const isUsed = (field: (typeof MATCHED_BY)[number]) => alternativesOf(spec).some((one) => one[field] !== undefined);
    return !gatewayApi || (!isUsed("sourceLabels") && !isUsed("gateways") && (!gatewayApi.grpcRoutes || !isUsed("query")));
  },
  sentence: "expected matches by headers and cookies (and by query, of an HTTPRoute), which are what the Gateway API can tell apart, got another one; take it out, or use traffic.istio",
  field: "strategy.steps",
};

/** Hostnames are of a whole HTTPRoute or GRPCRoute, and no header of a match stands for the host everywhere. */
export const routerCanPreview: Rule<Picking> = {
  cel: `!has(self.traffic.gatewayApi) || !((${stepsAreGiven} && self.strategy.steps.exists(step, has(step.preview))) || (${presetPreviews}))`,
  holds: ({ traffic: { gatewayApi }, strategy: { steps = [], blueGreen } }) => !gatewayApi || (!steps.some(({ preview }) => preview !== undefined) && blueGreen?.preview === undefined),
  sentence: "expected traffic.istio beside a preview, since the Gateway API gives hostnames to a whole route and not to one of its rules, got gatewayApi; write match with a header in its place, or lead that host to the new version by a route of your own",
  field: "strategy",
};

const lacksLimit = "(has(metric.errorRate) && !has(metric.errorRate.max)) || (has(metric.latency) && !has(metric.latency.max))";
const unlimited = ({ analysis: { metrics } }: Picking) => metrics.find(({ errorRate, latency }) => [errorRate, latency].some((one) => one !== undefined && one.max === undefined));

/** Requests that were picked out are no sample of all of them, and shadows are told of by the new version's pods alone: stable's are no measure for either. */
export const matchedAreLimited: Rule<Picking> = {
  cel: `!(${goesBeyondShares}) || !has(self.analysis) || !has(self.analysis.metrics) || !self.analysis.metrics.exists(metric, ${lacksLimit})`,
  holds: (spec) => !isBeyondShares(spec.strategy) || unlimited(spec) === undefined,
  sentence: "expected a max for {came}, since a step has a match, a mirror or a preview, and requests that were picked out, or copied, cannot be compared with all the others; give it one, or take the match, mirror or preview out",
  came: [{ cel: `self.analysis.metrics.filter(metric, ${lacksLimit})[0].name`, of: (spec) => unlimited(spec)?.name ?? "" }],
  field: "analysis.metrics",
};

const maxHold = given("self.strategy.maxHold", DEFAULT_MAX_HOLD);
const isTooLong = (hold: string) => `${matches(hold, DURATION_PATTERN)} && ${ms(hold)} > ${ms(maxHold)}`;
const longHold = (spec: Paced) => holdsOf(spec).find((hold) => DURATION_PATTERN.test(hold) && msOf(hold) > msOf(spec.strategy.maxHold));

/** With `pace: evidence` a hold is the least time at a step, and `maxHold` the longest. */
export const holdsEndInTime: Rule<Paced> = {
  cel:
    `!${goesByEvidence} || !${matches(maxHold, DURATION_PATTERN)} || ` + `!${holds}.exists(hold, ${isTooLong("hold")})`,
  holds: (spec) => spec.strategy.pace !== "evidence" || !DURATION_PATTERN.test(spec.strategy.maxHold) || longHold(spec) === undefined,
  sentence: "expected maxHold to be at least each step's hold, got {came} and a hold of {came}; raise maxHold, or hold shorter",
  came: [
    { cel: maxHold, of: ({ strategy }) => strategy.maxHold },
    {
      cel: `${holds}.filter(hold, ${isTooLong("hold")})[0]`,
      of: (spec) => longHold(spec) ?? "",
    },
  ],
  field: "strategy.maxHold",
};
