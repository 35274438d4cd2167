/** Specs with one mistake each, and what zod, `weir lint` and the API server say about it. */

export interface BadSpec {
  /** A sentence, as the title of a test. */
  readonly name: string;
  readonly spec: unknown;
  /** `path: sentence`, in any order. */
  readonly sentences: readonly string[];
}

const traffic = { istio: { virtualServices: [{ name: "reviews" }] } };
const good = { release: "v3", traffic };

const strategy = (fields: object) => ({ ...good, strategy: fields });
const steps = (...ladder: readonly object[]) => strategy({ steps: ladder });
const analysis = (fields: object) => ({ ...good, analysis: fields });
const metric = (fields: object) => analysis({ metrics: [{ name: "errors", ...fields }] });
const virtualService = (fields: object) => ({ ...good, traffic: { istio: { virtualServices: [{ name: "reviews", ...fields }] } } });
const notification = (fields: object) => ({ ...good, notifications: [fields] });
const prometheus = (fields: object) => analysis({ prometheus: { url: "http://prometheus:9090", ...fields } });

const errors = { name: "errors", errorRate: { max: "1%" } };
const secretRef = { name: "prom", key: "token" };

const PREVIEW_BY_GATEWAY =
  "spec.strategy: expected traffic.istio beside a preview, since the Gateway API gives hostnames to a whole route and not to one of its rules, got gatewayApi; write match with a header in its place, or lead that host to the new version by a route of your own";

const bad = (name: string, spec: unknown, ...sentences: readonly string[]): BadSpec => ({ name, spec, sentences });

export const BAD_SPECS: readonly BadSpec[] = [
  bad(
    "A release must be the name of a subset or of a Service",
    { ...good, release: "v3.1" },
    "spec.release: expected the name of a DestinationRule subset or of a Service (letters, digits and dashes, such as v3), got v3.1",
  ),
  bad(
    "Stable must be another version than release",
    { ...good, stable: "v3" },
    "spec.stable: expected stable to name another version than release, got v3 for both; name the version that serves now, or leave stable out",
  ),
  bad(
    "A Rollout delivers a version or a Deployment",
    { traffic },
    "spec: expected exactly one of release, deployment, got none; name the version to deliver, or the Deployment whose pod template is to be delivered",
  ),
  bad(
    "A Rollout does not deliver both",
    { ...good, deployment: { name: "reviews" } },
    "spec: expected exactly one of release, deployment, got several; name the version to deliver, or the Deployment whose pod template is to be delivered",
  ),
  bad(
    "Stable is no word for a Deployment",
    { traffic, deployment: { name: "reviews" }, stable: "v2" },
    "spec.stable: expected stable only together with release, got it without; a Deployment's pods tell what serves now",
  ),
  bad(
    "Whoever looks on holds no template",
    { deployment: { name: "reviews" }, traffic, analysis: { mode: "observe" } },
    "spec.analysis.mode: expected analysis.mode enforce beside deployment, since a template that nobody holds cannot be judged before it serves, got observe; leave mode out, or name a release",
  ),
  bad(
    "A canary has at least one pod",
    { deployment: { name: "reviews", maxCanaryReplicas: 0 }, traffic },
    "spec.deployment.maxCanaryReplicas: expected a whole number from 1 to 1000, got 0",
  ),
  bad(
    "A ladder must have a step",
    steps(),
    "spec.strategy.steps: expected at least one step, got none; leave steps out for 10, 25, 50, 100, or write [{weight: 100}] for a single one",
  ),
  bad(
    "A ladder must rise",
    steps({ weight: 50 }, { weight: 10 }, { weight: 100 }),
    "spec.strategy.steps: expected weights that rise from step to step, got [50, 10, 100]; put them in order, each one once",
  ),
  bad(
    "A ladder must rise at each step",
    steps({ weight: 50 }, { pause: {} }, { weight: 50 }, { weight: 100 }),
    "spec.strategy.steps: expected weights that rise from step to step, got [50, 50, 100]; put them in order, each one once",
  ),
  bad(
    "A ladder must end at 100",
    steps({ weight: 10 }, { weight: 50 }),
    "spec.strategy.steps: expected the last step to be {weight: 100}, got weight 50; add - {weight: 100}",
  ),
  bad(
    "A ladder must not end with a pause",
    steps({ weight: 100 }, { pause: {} }),
    "spec.strategy.steps: expected the last step to be {weight: 100}, got a pause; add - {weight: 100}",
  ),
  bad(
    "A weight of 0 does nothing",
    steps({ weight: 0 }, { weight: 100 }),
    "spec.strategy.steps[0].weight: expected a whole number from 1 to 100, got 0; begin with the first share that the new version should get, since a step of 0 would do nothing",
  ),
  bad(
    "A weight above 100 is no share",
    steps({ weight: 50 }, { weight: 101 }),
    "spec.strategy.steps: expected the last step to be {weight: 100}, got weight 101; add - {weight: 100}",
    "spec.strategy.steps[1].weight: expected a whole number from 1 to 100, got 101; begin with the first share that the new version should get, since a step of 0 would do nothing",
  ),
  bad(
    "A step must have a weight or a pause",
    steps({ hold: "1m" }, { weight: 100 }),
    "spec.strategy.steps[0]: expected weight, match or both, a mirror, a preview, or else a pause, got none of them; write {weight: 10, hold: 1m} or {pause: {}}",
    "spec.strategy.steps[0].hold: expected hold only together with weight, match, mirror or a preview that does not pause, got it without; write {pause: {duration: 10m}} for a pause that ends by itself",
  ),
  bad(
    "A step must not have both a weight and a pause",
    steps({ weight: 10, pause: {} }, { weight: 100 }),
    "spec.strategy.steps[0]: expected weight, match or both, a mirror, a preview, or else a pause, got a pause beside them; write {weight: 10, hold: 1m} or {pause: {}}",
  ),
  bad(
    "A match alone would take a share away again",
    steps({ weight: 10 }, { match: [{ headers: [{ name: "x-tester", exact: "true" }] }] }, { weight: 100 }),
    "spec.strategy.steps: expected a weight beside each match that comes after a weight, got a match alone, which would take the share away again; write {weight: 25, match: [...]}",
  ),
  bad(
    "Shadows come before any user is answered",
    steps({ weight: 10 }, { mirror: 20 }, { weight: 100 }),
    "spec.strategy.steps: expected each mirror before the first weight, got one after it; put {mirror: 20, hold: 5m} first, where no user is answered by the new version yet",
  ),
  bad(
    "A mirror stands alone",
    steps({ mirror: 20, weight: 10 }, { weight: 100 }),
    "spec.strategy.steps[0]: expected mirror in a step of its own, got it beside weight, match or preview; write {mirror: 20, hold: 5m} and the other step after it",
  ),
  bad(
    "A mirror copies something",
    steps({ mirror: 0 }, { mirror: 101 }, { weight: 100 }),
    "spec.strategy.steps[0].mirror: expected a whole number from 1 to 100, got 0",
    "spec.strategy.steps[1].mirror: expected a whole number from 1 to 100, got 101",
  ),
  bad(
    "A cookie of ours has a name, a path and a domain that agents take",
    strategy({ sessionAffinity: { cookieName: "a b", path: "shop;x", domain: "Example.com", maxAge: "0s" } }),
    "spec.strategy.sessionAffinity.cookieName: expected the name of a cookie (letters, digits, dashes, dots and underscores, such as beta), got a b",
    "spec.strategy.sessionAffinity.path: expected a path such as / or /shop, without spaces and semicolons, got shop;x",
    "spec.strategy.sessionAffinity.domain: expected a domain in lower case such as example.com, got Example.com",
    "spec.strategy.sessionAffinity.maxAge: expected at least 1s, got 0s",
  ),
  bad(
    "A cookie for other sites goes over TLS",
    strategy({ sessionAffinity: { sameSite: "None" } }),
    "spec.strategy.sessionAffinity.sameSite: expected secure: true beside sameSite: None, without which agents do not keep the cookie, got secure: false; set it, or take sameSite out",
  ),
  bad(
    "Users are kept by Istio alone",
    { ...strategy({ sessionAffinity: {} }), traffic: { gatewayApi: { httpRoutes: [{ name: "reviews" }] } } },
    "spec.strategy.sessionAffinity: expected traffic.istio beside sessionAffinity, since not every implementation of the Gateway API can set a cookie by which of a rule's Services answered, got gatewayApi; use istio, or take sessionAffinity out",
  ),
  bad(
    "Users who are kept draw by weights",
    strategy({ sessionAffinity: {}, steps: [{ mirror: 20, hold: "1m" }, { weight: 100 }] }),
    "spec.strategy.sessionAffinity: expected steps of weights alone beside sessionAffinity, since users draw by weights, got a match, a mirror or a preview; take that out, or sessionAffinity",
  ),
  bad(
    "Nor is anything previewed beside them",
    strategy({ sessionAffinity: {}, blueGreen: { preview: "reviews-preview.example" } }),
    "spec.strategy.sessionAffinity: expected steps of weights alone beside sessionAffinity, since users draw by weights, got a match, a mirror or a preview; take that out, or sessionAffinity",
  ),
  bad(
    "Users are kept on one route",
    { ...strategy({ sessionAffinity: {} }), traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["one", "other"] }] } } },
    "spec.strategy.sessionAffinity: expected one http route beside sessionAffinity, since one cookie cannot say with which version of each a user stays, and connections have none, got others; name one, or take sessionAffinity out",
  ),
  bad(
    "Users are kept with releases",
    { deployment: { name: "reviews" }, traffic, strategy: { sessionAffinity: {} } },
    "spec.strategy.sessionAffinity: expected release beside sessionAffinity, since users cannot be kept with the two sides of a Deployment yet, got deployment; name a release, or take sessionAffinity out",
  ),
  bad(
    "A preview alone would take a share away again",
    steps({ weight: 10 }, { preview: "reviews-preview.example" }, { weight: 100 }),
    "spec.strategy.steps: expected a weight or a pause beside each preview that comes after a weight, got a preview alone, which would take the share away again; write {weight: 25, preview: reviews-preview.example}",
  ),
  bad(
    "A preview is at one host, as it stands in requests",
    steps({ preview: "*.example", pause: {} }, { weight: 10, preview: "Reviews.example:9080" }, { weight: 100 }),
    "spec.strategy.steps[0].preview: expected a host in lower case, without port and wildcard, such as reviews-preview.example, got *.example",
    "spec.strategy.steps[1].preview: expected a host in lower case, without port and wildcard, such as reviews-preview.example, got Reviews.example:9080",
  ),
  bad(
    "A preview that waits for somebody is not held as well",
    steps({ preview: "reviews-preview.example", pause: {}, hold: "5m" }, { weight: 100 }),
    "spec.strategy.steps[0].hold: expected hold only together with weight, match, mirror or a preview that does not pause, got it without; write {pause: {duration: 10m}} for a pause that ends by itself",
  ),
  bad(
    "Shadows are not previewed",
    steps({ mirror: 20, preview: "reviews-preview.example" }, { weight: 100 }),
    "spec.strategy.steps[0]: expected mirror in a step of its own, got it beside weight, match or preview; write {mirror: 20, hold: 5m} and the other step after it",
  ),
  bad(
    "The Gateway API picks nothing out by its host",
    { release: "v3", traffic: { gatewayApi: { httpRoutes: [{ name: "reviews" }] } }, strategy: { steps: [{ preview: "reviews-preview.example", pause: {} }, { weight: 100 }] } },
    PREVIEW_BY_GATEWAY,
  ),
  bad(
    "Nor for a preset",
    { release: "v3", traffic: { gatewayApi: { grpcRoutes: [{ name: "reviews" }] } }, strategy: { blueGreen: { preview: "reviews-preview.example" } } },
    PREVIEW_BY_GATEWAY,
  ),
  bad(
    "Previewed requests need a limit, since they compare with nothing",
    { ...strategy({ blueGreen: { preview: "reviews-preview.example" } }), analysis: { metrics: [{ name: "errors", errorRate: { compare: "strict" } }] } },
    "spec.analysis.metrics: expected a max for errors, since a step has a match, a mirror or a preview, and requests that were picked out, or copied, cannot be compared with all the others; give it one, or take the match, mirror or preview out",
  ),
  bad(
    "Of several routes none is previewed",
    { ...strategy({ blueGreen: { preview: "reviews-preview.example" } }), traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["primary", "pages"] }] } } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "The old version is kept at the end",
    steps({ weight: 50, keepOld: "10m" }, { weight: 100 }),
    "spec.strategy.steps[0].keepOld: expected keepOld only together with weight 100, where the run would end, got it without; write {weight: 100, keepOld: 10m}",
  ),
  bad(
    "A preview that is promoted by itself leaves time for the verdicts",
    strategy({ blueGreen: { preview: "reviews-preview.example", autoPromote: "30s" } }),
    "spec.strategy.steps: expected each hold to be at least 45s, which is propagation 5s + (minVerdicts 3 + 1) x interval 10s, got 30s; hold longer, or ask more often",
  ),
  bad(
    "So does what comes after the switch",
    strategy({ blueGreen: { autoPromote: "0s", hold: "30s" } }),
    "spec.strategy.steps: expected each hold to be at least 45s, which is propagation 5s + (minVerdicts 3 + 1) x interval 10s, got 30s; hold longer, or ask more often",
  ),
  bad(
    "A preset and steps are two ways to say one thing",
    strategy({ steps: [{ weight: 100 }], blueGreen: {} }),
    "spec.strategy: expected one of steps, linear, exponential, blueGreen at most, got several; keep one of them, or write every step under steps",
  ),
  bad(
    "A match must pick something out",
    steps({ match: [] }, { weight: 100 }),
    "spec.strategy.steps[0].match: expected from 1 to 8 alternatives, got 0; leave match out where no request is to be picked out",
  ),
  bad(
    "An alternative must say something",
    steps({ match: [{}] }, { weight: 100 }),
    "spec.strategy.steps[0].match[0]: expected one of headers, cookies, query, sourceLabels, gateways, got none, which would be every request; give a weight for a share of them",
  ),
  bad(
    "A condition must say one thing",
    steps({ match: [{ headers: [{ name: "x-tester", exact: "a", prefix: "b" }, { name: "X-Other" }] }] }, { weight: 100 }),
    'spec.strategy.steps[0].match[0].headers[0]: expected exactly one of exact, prefix, regex, got several; write {name: x-tester, exact: "true"}',
    'spec.strategy.steps[0].match[0].headers[1]: expected exactly one of exact, prefix, regex, got none; write {name: x-tester, exact: "true"}',
    "spec.strategy.steps[0].match[0].headers[1].name: expected the name of a header in lower case (letters, digits, dashes and underscores, such as x-tester), got X-Other",
  ),
  bad(
    "A header is asked about once",
    steps({ match: [{ headers: [{ name: "x-tester", exact: "a" }, { name: "x-tester", exact: "b" }] }] }, { weight: 100 }),
    "spec.strategy.steps[0].match[0].headers: expected every header once, got x-tester twice; take one of them out, or rename it",
  ),
  bad(
    "One cookie is asked about, and then not their whole header",
    steps({ match: [{ headers: [{ name: "cookie", prefix: "a" }], cookies: [{ name: "beta", exact: "yes" }, { name: "be ta", exact: "yes" }] }] }, { weight: 100 }),
    "spec.strategy.steps[0].match[0].cookies: expected from 1 to 1, got 2; write an alternative of its own for each other one",
    "spec.strategy.steps[0].match[0].cookies[1].name: expected the name of a cookie (letters, digits, dashes, dots and underscores, such as beta), got be ta",
    "spec.strategy.steps[0].match[0]: expected cookies or the header cookie, got both; keep one of them",
  ),
  bad(
    "Gateways are named",
    steps({ match: [{ gateways: [] }] }, { weight: 100 }),
    "spec.strategy.steps[0].match[0].gateways: expected from 1 to 8 gateways, got 0",
  ),
  bad(
    "The Gateway API knows no callers",
    { release: "v3", traffic: { gatewayApi: { httpRoutes: [{ name: "reviews" }] } }, strategy: { steps: [{ match: [{ sourceLabels: { app: "tests" } }] }, { weight: 100 }] } },
    "spec.strategy.steps: expected matches by headers and cookies (and by query, of an HTTPRoute), which are what the Gateway API can tell apart, got another one; take it out, or use traffic.istio",
  ),
  bad(
    "A GRPCRoute knows no query",
    { release: "v3", traffic: { gatewayApi: { grpcRoutes: [{ name: "reviews" }] } }, strategy: { steps: [{ match: [{ query: [{ name: "beta", exact: "1" }] }] }, { weight: 100 }] } },
    "spec.strategy.steps: expected matches by headers and cookies (and by query, of an HTTPRoute), which are what the Gateway API can tell apart, got another one; take it out, or use traffic.istio",
  ),
  bad(
    "Requests that are picked out need a limit, since they compare with nothing",
    { ...steps({ match: [{ headers: [{ name: "x-tester", exact: "true" }] }] }, { weight: 100 }), analysis: { metrics: [errors, { name: "latency", latency: { compare: "strict" } }] } },
    "spec.analysis.metrics: expected a max for latency, since a step has a match, a mirror or a preview, and requests that were picked out, or copied, cannot be compared with all the others; give it one, or take the match, mirror or preview out",
  ),
  bad(
    "Shadows need a limit, since they compare with nothing",
    { ...steps({ mirror: 20 }, { weight: 100 }), analysis: { metrics: [errors, { name: "latency", latency: { compare: "strict" } }] } },
    "spec.analysis.metrics: expected a max for latency, since a step has a match, a mirror or a preview, and requests that were picked out, or copied, cannot be compared with all the others; give it one, or take the match, mirror or preview out",
  ),
  bad(
    "Steps are written once",
    strategy({ steps: [{ weight: 100 }], linear: { by: 20 } }),
    "spec.strategy: expected one of steps, linear, exponential, blueGreen at most, got several; keep one of them, or write every step under steps",
  ),
  bad(
    "A preset must begin below its end",
    strategy({ linear: { from: 60, to: 50 } }),
    "spec.strategy.linear.from: expected from to be at most to, got from 60 and to 50; exchange them",
  ),
  bad(
    "A linear preset without from begins with by",
    strategy({ linear: { by: 30, to: 20 } }),
    "spec.strategy.linear.from: expected from to be at most to, got from 30 and to 20; exchange them",
  ),
  bad(
    "An exponential preset must begin below its end",
    strategy({ exponential: { from: 60, to: 50 } }),
    "spec.strategy.exponential.from: expected from to be at most to, got from 60 and to 50; exchange them",
  ),
  bad(
    "A preset has no more steps than a ladder may have",
    strategy({ linear: { by: 1 } }),
    "spec.strategy.linear.by: expected at most 50 steps, got 101; raise by",
  ),
  bad(
    "An exponential preset must grow",
    strategy({ exponential: { by: 1 } }),
    "spec.strategy.exponential.by: expected a number from 1.1 to 100, got 1; 2 doubles the share with each step",
  ),
  bad(
    "The steps of a preset must leave time for the verdicts as well",
    strategy({ linear: { every: "30s" } }),
    "spec.strategy.steps: expected each hold to be at least 45s, which is propagation 5s + (minVerdicts 3 + 1) x interval 10s, got 30s; hold longer, or ask more often",
  ),
  bad(
    "The steps of a preset that go by evidence must be able to end",
    strategy({ pace: "evidence", maxHold: "30s", exponential: { every: "2m" } }),
    "spec.strategy.maxHold: expected maxHold to be at least each step's hold, got 30s and a hold of 2m; raise maxHold, or hold shorter",
  ),
  bad(
    "A hold must parse",
    steps({ weight: 100, hold: "5 minutes" }),
    "spec.strategy.steps[0].hold: expected whole numbers with a unit, the largest unit first, such as 30s, 500ms or 1h30m, got 5 minutes",
  ),
  bad(
    "A hold must leave time for the verdicts that a step needs",
    steps({ weight: 10, hold: "30s" }, { weight: 100 }),
    "spec.strategy.steps: expected each hold to be at least 45s, which is propagation 5s + (minVerdicts 3 + 1) x interval 10s, got 30s; hold longer, or ask more often",
  ),
  bad(
    "The default hold must leave time for the verdicts as well",
    analysis({ interval: "30s" }),
    "spec.strategy.steps: expected each hold to be at least 125s, which is propagation 5s + (minVerdicts 3 + 1) x interval 30s, got 1m; hold longer, or ask more often",
  ),
  bad(
    "A propagation in milliseconds counts as well",
    strategy({ propagation: "500ms", steps: [{ weight: 100, hold: "40s" }] }),
    "spec.strategy.steps: expected each hold to be at least 40500ms, which is propagation 500ms + (minVerdicts 3 + 1) x interval 10s, got 40s; hold longer, or ask more often",
  ),
  bad(
    "A step that goes by evidence must be able to end its hold",
    strategy({ pace: "evidence", maxHold: "30s", steps: [{ weight: 10, hold: "20s" }, { weight: 100 }] }),
    "spec.strategy.maxHold: expected maxHold to be at least each step's hold, got 30s and a hold of 1m; raise maxHold, or hold shorter",
  ),
  bad(
    "The longest hold must last some time",
    strategy({ pace: "evidence", maxHold: "0s", steps: [{ weight: 100, hold: "0s" }] }),
    "spec.strategy.maxHold: expected at least 1s, got 0s",
  ),
  bad(
    "The longest hold must be a duration",
    strategy({ maxHold: "5 minutes" }),
    "spec.strategy.maxHold: expected whole numbers with a unit, the largest unit first, such as 30s, 500ms or 1h30m, got 5 minutes",
  ),
  bad("A warm-up must be a duration", analysis({ warmup: "soon" }), "spec.analysis.warmup: expected whole numbers with a unit, the largest unit first, such as 30s, 500ms or 1h30m, got soon"),
  bad("A rate of false rollbacks must be a percentage", analysis({ falseRollback: "0.01" }), "spec.analysis.falseRollback: expected a percentage from 0% to 100% such as 1% or 0.5%, got 0.01"),
  bad("A rate of false rollbacks must be one to decide by", analysis({ falseRollback: "50%" }), "spec.analysis.falseRollback: expected from 0.01% to 20%, got 50%; 1% is usual"),
  bad(
    "A comparison must be a word or numbers",
    metric({ errorRate: { compare: "1.25" } }),
    "spec.analysis.metrics[0].errorRate.compare: expected strict, normal, lenient, none, or numbers such as 1.25x+0.05% (1x to 10x, below 10%), got 1.25",
  ),
  bad(
    "An error rate must be judged by something",
    metric({ errorRate: { compare: "none" } }),
    "spec.analysis.metrics[0].errorRate.compare: expected max or a comparison, got compare: none without max; give a max, or leave compare out",
  ),
  bad(
    "A latency must be judged by something",
    metric({ latency: { compare: "none" } }),
    "spec.analysis.metrics[0].latency.compare: expected max or a comparison, got compare: none without max; give a max, or leave compare out",
  ),
  bad(
    "A ratio needs a query",
    metric({ errorRate: {}, ratio: 1.5 }),
    "spec.analysis.metrics[0].ratio: expected ratio only together with query, got it without; errorRate and latency have compare: errorRate: {compare: strict}",
  ),
  bad(
    "A pause must last some time",
    steps({ weight: 10 }, { pause: { duration: "0s" } }, { weight: 100 }),
    "spec.strategy.steps[1].pause.duration: expected at least 1s, got 0s",
  ),
  bad(
    "A rollback window is small",
    strategy({ rollbackWindow: 11 }),
    "spec.strategy.rollbackWindow: expected a whole number from 0 to 10, got 11",
  ),
  bad(
    "An interval must be at least a second",
    analysis({ interval: "500ms", settle: "100ms" }),
    "spec.analysis.interval: expected at least 1s, got 500ms",
  ),
  bad(
    "Samples must settle within the interval",
    analysis({ interval: "2s", settle: "5s" }),
    "spec.analysis.settle: expected settle to be at most the interval (2s), got 5s; the answer must come before the next question",
  ),
  bad("A step needs a verdict", analysis({ minVerdicts: 0 }), "spec.analysis.minVerdicts: expected a whole number from 1 to 100, got 0"),
  bad("A verdict needs a request", analysis({ minRequests: 0 }), "spec.analysis.minRequests: expected a whole number from 1 to 1000000, got 0"),
  bad(
    "A metric must ask for something",
    metric({}),
    "spec.analysis.metrics[0]: expected exactly one of errorRate, latency, query, got none; give each check a metric of its own",
  ),
  bad(
    "A metric must not ask for two things",
    metric({ errorRate: { max: "1%" }, latency: { percentile: 99, max: "1s" } }),
    "spec.analysis.metrics[0]: expected exactly one of errorRate, latency, query, got several; give each check a metric of its own",
  ),
  bad(
    "Names of metrics must be unique",
    analysis({ metrics: [errors, errors] }),
    "spec.analysis.metrics: expected every metric name once, got errors twice; take one of them out, or rename it",
  ),
  bad(
    "A metric's name must be short and plain",
    analysis({ metrics: [{ ...errors, name: "error rate" }] }),
    "spec.analysis.metrics[0].name: expected a short name of letters, digits, dashes, dots and underscores, such as errors, got error rate",
  ),
  bad(
    "A percentage must parse",
    metric({ errorRate: { max: "0.01" } }),
    "spec.analysis.metrics[0].errorRate.max: expected a percentage from 0% to 100% such as 1% or 0.5%, got 0.01",
  ),
  bad(
    "A percentile must not be a fraction",
    metric({ latency: { percentile: 0.99, max: "500ms" } }),
    "spec.analysis.metrics[0].latency.percentile: expected a percentile from 1 to below 100 such as 99 or 99.9, got 0.99; write 99 where other tools write 0.99",
  ),
  bad(
    "A latency must have a limit above 0",
    metric({ latency: { percentile: 99, max: "0ms" } }),
    "spec.analysis.metrics[0].latency.max: expected at least 1ms, got 0ms",
  ),
  bad("A failure is at least one", metric({ errorRate: { max: "1%" }, failures: 0 }), "spec.analysis.metrics[0].failures: expected a whole number from 1 to 100, got 0"),
  bad(
    "A query must have a limit",
    metric({ query: "sum(up)" }),
    "spec.analysis.metrics[0]: expected min, max or ratio beside query, got none; say from which value on the query's answer is bad",
  ),
  bad("A query must ask for something", metric({ query: " ", min: 1 }), "spec.analysis.metrics[0].query: expected a text, got none"),
  bad(
    "A min needs a query",
    metric({ errorRate: { max: "1%" }, min: 1 }),
    "spec.analysis.metrics[0].min: expected min only together with query, got it without; errorRate and latency have their own max",
  ),
  bad(
    "A max needs a query",
    metric({ errorRate: { max: "1%" }, max: 1 }),
    "spec.analysis.metrics[0].max: expected max only together with query, got it without; errorRate and latency have their own max: errorRate: {max: 1%}",
  ),
  bad(
    "A min must be below the max",
    metric({ query: "sum(up)", min: 2, max: 1.5 }),
    "spec.analysis.metrics[0].min: expected min to be at most max, got a min above it, which no value can pass; exchange them",
  ),
  bad(
    "A query must not ask for variables that are not there",
    metric({ query: 'up{pod="$(canary.pod)"}', min: 1 }),
    "spec.analysis.metrics[0].query: expected no other variables than $(namespace) $(name) $(canary.workload) $(canary.version) $(canary.pods) $(stable.workload) $(stable.version) $(stable.pods) $(window); correct the name, or take the $(...) out",
  ),
  bad(
    "A query must not hold another tool's variables",
    metric({ query: 'up{pod="{{ target }}"}', min: 1 }),
    "spec.analysis.metrics[0].query: expected variables as $(name), got {{ }}, which another tool would fill in; write one of $(namespace) $(name) $(canary.workload) $(canary.version) $(canary.pods) $(stable.workload) $(stable.version) $(stable.pods) $(window)",
  ),
  bad(
    "Of Envoy's clusters the names must be known",
    analysis({ source: "envoy" }),
    "spec.analysis.envoyCluster: expected envoyCluster beside source envoy, got none; write what Envoy calls the cluster of a version, such as $(namespace)_$(version)_80",
  ),
  bad(
    "Only Envoy has clusters",
    analysis({ source: "linkerd", envoyCluster: "$(version)" }),
    "spec.analysis.envoyCluster: expected envoyCluster only together with source envoy, got another source; write source: envoy, or take it out",
  ),
  bad(
    "One cluster for both versions tells them not apart",
    analysis({ source: "envoy", envoyCluster: "httproute/shop/$(name)/rule/0" }),
    "spec.analysis.envoyCluster: expected $(version) in it, by which the clusters of the two versions differ, got httproute/shop/$(name)/rule/0; where one cluster holds both (as in Envoy Gateway) write a query instead",
  ),
  bad(
    "A cluster's name knows few variables",
    analysis({ source: "envoy", envoyCluster: "$(version)_$(canary.version)" }),
    "spec.analysis.envoyCluster: expected no other variables than $(namespace) $(name) $(version); correct the name, or take the $(...) out",
  ),
  bad(
    "A Deployment's versions have no clusters of their own",
    { deployment: { name: "reviews" }, traffic, analysis: { source: "envoy", envoyCluster: "$(version)" } },
    "spec.analysis.source: expected source istio or linkerd beside deployment, since the pods of one Service are in one cluster of Envoy, got envoy; name another source, or a release with a Service for each version",
  ),
  bad(
    "The address of Prometheus must have a scheme",
    prometheus({ url: "prometheus:9090" }),
    "spec.analysis.prometheus.url: expected an http:// or https:// address without user, password, query or fragment, such as http://prometheus.istio-system:9090; put credentials into auth",
  ),
  bad(
    "Prometheus takes one kind of credentials",
    prometheus({ auth: { basic: { username: "weir", password: { secretRef } }, bearer: { secretRef } } }),
    "spec.analysis.prometheus.auth: expected basic or bearer, got both; keep the one that the server asks for",
  ),
  bad(
    "A user's name has no colon",
    prometheus({ auth: { basic: { username: "we:ir", password: { secretRef } } } }),
    "spec.analysis.prometheus.auth.basic.username: expected a user name without colon, got we:ir",
  ),
  bad("A tenant has no spaces", prometheus({ auth: { tenant: "team a" } }), "spec.analysis.prometheus.auth.tenant: expected a tenant (printable characters without spaces), got team a"),
  bad(
    "A Secret's key must be one that a Secret can have",
    prometheus({ auth: { bearer: { secretRef: { name: "prom", key: "to/ken" } } } }),
    "spec.analysis.prometheus.auth.bearer.secretRef.key: expected a key of the Secret's data (letters, digits, dashes, dots and underscores), got to/ken",
  ),
  bad(
    "A Rollout acts on a VirtualService",
    { ...good, traffic: { istio: { virtualServices: [] } } },
    "spec.traffic.istio.virtualServices: expected from 1 to 16 VirtualServices, got 0; write [{name: reviews}] with the name of yours",
  ),
  bad(
    "A VirtualService is named once, with all of its routes",
    { ...good, traffic: { istio: { virtualServices: [{ name: "a" }, { name: "a", namespace: "shop" }, { name: "a", namespace: "shop", routes: ["primary"] }] } } },
    "spec.traffic.istio.virtualServices: expected every VirtualService once, got shop/a twice; take one of them out, or rename it",
  ),
  bad(
    "Who follows is named once, and follows one that leads",
    { ...good, traffic: { istio: { virtualServices: [{ name: "frontend" }, { name: "backend", follow: "fronted" }] } } },
    "spec.traffic.istio.virtualServices: expected a VirtualService with follow to have a name of its own in this list, and to name one of the others that follows none itself, got backend with follow: fronted; name the one whose pods call it",
  ),
  bad(
    "Nobody follows who follows",
    { ...good, traffic: { istio: { virtualServices: [{ name: "frontend" }, { name: "middle", follow: "frontend" }, { name: "backend", follow: "middle" }] } } },
    "spec.traffic.istio.virtualServices: expected a VirtualService with follow to have a name of its own in this list, and to name one of the others that follows none itself, got backend with follow: middle; name the one whose pods call it",
  ),
  bad(
    "Who follows is called by one route",
    { ...good, traffic: { istio: { virtualServices: [{ name: "frontend" }, { name: "backend", follow: "frontend", routes: ["one", "other"] }] } } },
    "spec.traffic.istio.virtualServices: expected one http route of a VirtualService with follow, got several, or those of connections, of backend; name one in routes",
  ),
  bad(
    "Who follows is moved, and has versions side by side",
    { ...analysis({ mode: "observe" }), traffic: { istio: { virtualServices: [{ name: "frontend" }, { name: "backend", follow: "frontend" }] } } },
    "spec.traffic: expected release, and analysis.mode enforce, beside a VirtualService with follow, whose new version is called by pods that the subsets of another one tell apart, got deployment or observe; take that out, or give each service a Rollout of its own",
  ),
  bad(
    "A metric is of a service that is there",
    { ...analysis({ metrics: [{ name: "errors", of: "ratings", errorRate: { max: "1%" } }] }), traffic: { istio: { virtualServices: [{ name: "frontend" }, { name: "backend", follow: "frontend" }] } } },
    "spec.analysis.metrics: expected of to name a VirtualService of traffic.istio.virtualServices, where one of them has follow, got ratings in errors; name one of them, or take of out",
  ),
  bad(
    "An HTTPRoute is named once",
    { ...good, traffic: { gatewayApi: { httpRoutes: [{ name: "a", rule: "one" }, { name: "a", rule: "other" }] } } },
    "spec.traffic.gatewayApi.httpRoutes: expected every HTTPRoute once, got a twice; take one of them out, or rename it",
  ),
  bad(
    "Of several VirtualServices none is mirrored",
    { ...strategy({ steps: [{ mirror: 20, hold: "1m" }, { weight: 100 }] }), traffic: { istio: { virtualServices: [{ name: "a" }, { name: "b" }] } } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "Of several HTTPRoutes nothing is picked out",
    { ...strategy({ steps: [{ match: [{ headers: [{ name: "x-tester", exact: "true" }] }], hold: "1m" }, { weight: 100 }] }), traffic: { gatewayApi: { httpRoutes: [{ name: "a" }, { name: "b" }] } }, analysis: { metrics: [] } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "Of several VirtualServices users stay by none",
    { ...strategy({ sessionAffinity: {} }), traffic: { istio: { virtualServices: [{ name: "a" }, { name: "b" }] } } },
    "spec.strategy.sessionAffinity: expected one http route beside sessionAffinity, since one cookie cannot say with which version of each a user stays, and connections have none, got others; name one, or take sessionAffinity out",
  ),
  bad(
    "A VirtualService's name must be a name",
    { ...good, traffic: { istio: { virtualServices: [{ name: "Reviews" }] } } },
    "spec.traffic.istio.virtualServices[0].name: expected the name of a Kubernetes object (lower case letters, digits, dashes and dots), got Reviews",
  ),
  bad(
    "A namespace must be a name",
    virtualService({ namespace: "book.info" }),
    "spec.traffic.istio.virtualServices[0].namespace: expected the name of a namespace (lower case letters, digits and dashes), got book.info",
  ),
  bad(
    "A route is named once",
    virtualService({ routes: ["primary", "secondary", "primary"] }),
    "spec.traffic.istio.virtualServices[0].routes: expected every route once, got primary twice; take one of them out, or rename it",
  ),
  bad(
    "Of a Deployment one route is split",
    { deployment: { name: "reviews" }, traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["primary", "secondary"] }] } } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "A Deployment's requests are split, not its connections",
    { deployment: { name: "reviews" }, traffic: { istio: { virtualServices: [{ name: "reviews", tlsRoutes: [{}] }] } }, analysis: { metrics: [] } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "Of connections nothing is picked out",
    { ...strategy({ steps: [{ mirror: 20, hold: "1m" }, { weight: 100 }] }), traffic: { istio: { virtualServices: [{ name: "reviews", routes: ["primary"], tcpRoutes: [{ port: 9000 }] }] } } },
    "spec.traffic: expected release, and steps of weights alone, where several routes move together, or those of connections (tlsRoutes, tcpRoutes), got deployment, or a step with match, mirror or preview; name one http route, or take the other out",
  ),
  bad(
    "In connections no requests are counted",
    { ...good, traffic: { istio: { virtualServices: [{ name: "reviews", tcpRoutes: [{ port: 9000 }] }] } } },
    "spec.analysis.metrics: expected metrics with a query where only connections move (tlsRoutes, tcpRoutes), since no requests are counted in them, got errors, which counts requests; write a query of your own, [] to judge nothing, or name an http route in routes as well",
  ),
  bad(
    "Nor by a built-in of another name",
    { ...analysis({ metrics: [{ name: "up", query: "up", min: 1 }, { name: "slow", latency: { percentile: 99, max: "1s" } }] }), traffic: { istio: { virtualServices: [{ name: "reviews", tlsRoutes: [{ port: 443 }] }] } } },
    "spec.analysis.metrics: expected metrics with a query where only connections move (tlsRoutes, tcpRoutes), since no requests are counted in them, got slow, which counts requests; write a query of your own, [] to judge nothing, or name an http route in routes as well",
  ),
  bad(
    "Connections keep nobody by a cookie",
    { ...strategy({ sessionAffinity: {} }), traffic: { istio: { virtualServices: [{ name: "reviews", tcpRoutes: [{}] }] } }, analysis: { metrics: [] } },
    "spec.strategy.sessionAffinity: expected one http route beside sessionAffinity, since one cookie cannot say with which version of each a user stays, and connections have none, got others; name one, or take sessionAffinity out",
  ),
  bad(
    "Connections are asked for by a port and by hosts",
    { ...analysis({ metrics: [] }), traffic: { istio: { virtualServices: [{ name: "reviews", tlsRoutes: [{ port: 0, sniHosts: ["a.example", " ", "a.example"] }], tcpRoutes: [{ port: 65_536 }] }] } } },
    "spec.traffic.istio.virtualServices[0].tlsRoutes[0].port: expected a whole number from 1 to 65535, got 0",
    "spec.traffic.istio.virtualServices[0].tlsRoutes[0].sniHosts: expected every host once, got a.example twice; take one of them out, or rename it",
    "spec.traffic.istio.virtualServices[0].tlsRoutes[0].sniHosts[1]: expected a text, got none",
    "spec.traffic.istio.virtualServices[0].tcpRoutes[0].port: expected a whole number from 1 to 65535, got 65536",
  ),
  bad(
    "Traffic goes by something",
    { ...good, traffic: {} },
    "spec.traffic: expected exactly one of istio, gatewayApi, got none; name the VirtualService under istio, or the HTTPRoute or GRPCRoute under gatewayApi",
  ),
  bad(
    "Traffic goes by one thing",
    { ...good, traffic: { ...traffic, gatewayApi: { httpRoutes: [{ name: "reviews" }] } } },
    "spec.traffic: expected exactly one of istio, gatewayApi, got several; name the VirtualService under istio, or the HTTPRoute or GRPCRoute under gatewayApi",
  ),
  bad(
    "The Gateway API's traffic goes by one kind of route",
    { ...good, traffic: { gatewayApi: {} } },
    "spec.traffic.gatewayApi: expected exactly one of httpRoutes, grpcRoutes, got none; name the HTTPRoute or the GRPCRoute whose weights shall move",
  ),
  bad(
    "A Rollout acts on an HTTPRoute",
    { ...good, traffic: { gatewayApi: { httpRoutes: [] } } },
    "spec.traffic.gatewayApi.httpRoutes: expected from 1 to 16 HTTPRoutes, got 0; write [{name: reviews}] with the name of yours",
  ),
  bad(
    "A rule's place is one that there may be",
    { ...good, traffic: { gatewayApi: { httpRoutes: [{ name: "reviews", ruleIndex: 16 }] } } },
    "spec.traffic.gatewayApi.httpRoutes[0].ruleIndex: expected a whole number from 0 to 15, got 16",
  ),
  bad(
    "A rule is named or counted",
    { ...good, traffic: { gatewayApi: { grpcRoutes: [{ name: "reviews", rule: "primary", ruleIndex: 0 }] } } },
    "spec.traffic.gatewayApi.grpcRoutes[0]: expected rule or ruleIndex, got both; keep the name, which still holds when rules are added",
  ),
  bad(
    "A notification has one target",
    notification({ events: ["Started"] }),
    "spec.notifications[0]: expected exactly one of slack, webhook, got none; give each target a notification of its own",
  ),
  bad(
    "A notification of Slack has a channel or a webhook",
    notification({ slack: {} }),
    'spec.notifications[0].slack: expected exactly one of channel, webhook, got none; write {channel: "#deploys"}, or {webhook: {secretRef: {name: slack, key: url}}}',
  ),
  bad(
    "A bot token belongs to a channel",
    notification({ slack: { webhook: { secretRef }, secretRef } }),
    "spec.notifications[0].slack.secretRef: expected secretRef only together with channel, got it without; the Secret of an incoming webhook stands under webhook",
  ),
  bad(
    "A channel has no spaces",
    notification({ slack: { channel: "#my deploys" } }),
    'spec.notifications[0].slack.channel: expected a Slack channel such as "#deploys" or its id, without spaces, got #my deploys',
  ),
  bad(
    "A channel is told once",
    { ...good, notifications: [{ slack: { channel: "#deploys" } }, { slack: { channel: "#deploys" }, events: ["Started"] }] },
    "spec.notifications: expected every Slack channel once, got #deploys twice; take one of them out, or rename it",
  ),
  bad(
    "A webhook's address holds no password",
    notification({ webhook: { url: "https://me:secret@hooks.example/" } }),
    "spec.notifications[0].webhook.url: expected an http:// or https:// address without user and password, such as https://hooks.example/weir; name a Secret in secretRef to have requests signed",
  ),
  bad(
    "A notification is about some event",
    notification({ slack: { channel: "#deploys" }, events: [] }),
    "spec.notifications[0].events: expected at least one event, got 0; leave events out to be told of every one",
  ),
  bad(
    "An event is told once",
    notification({ slack: { channel: "#deploys" }, events: ["Started", "Started"] }),
    "spec.notifications[0].events: expected every event once, got Started twice; take one of them out, or rename it",
  ),
  bad(
    "A link must have a scheme",
    { ...good, links: [{ title: "Grafana", url: "javascript:alert(1)" }] },
    "spec.links[0].url: expected an http:// or https:// address without user, password and spaces, such as https://grafana.example/d/x?var-ns=$(namespace)",
  ),
  bad(
    "A link knows fewer variables than a query",
    { ...good, links: [{ title: "Grafana", url: "https://grafana.example/?w=$(window)" }] },
    "spec.links[0].url: expected no other variables than $(namespace) $(name) $(canary.version) $(canary.workload) $(stable.version) $(stable.workload); correct the name, or take the $(...) out",
  ),
  bad(
    "A link does not hold another tool's variables",
    { ...good, links: [{ title: "Grafana", url: "https://grafana.example/?ns={{namespace}}" }] },
    "spec.links[0].url: expected variables as $(name), got {{ }}, which another tool would fill in; write one of $(namespace) $(name) $(canary.version) $(canary.workload) $(stable.version) $(stable.workload)",
  ),
];
