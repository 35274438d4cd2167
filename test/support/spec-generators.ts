/** Specs as people write them, good and bad, for property tests. */
import fc from "fast-check";

const some = <T>(model: T) => fc.record(model as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] });

const duration = fc.constantFrom("0s", "500ms", "1s", "5s", "30s", "45s", "1m", "1h30m", "90m", "1m1h", "5 minutes", "", "1.5h", "-5s", "ms");
const percentage = fc.constantFrom("0%", "0.5%", "1%", "100%", "101%", "1", "one%", "99.9999999%");
const comparison = fc.constantFrom("none", "strict", "normal", "lenient", "1.25x+0.05%", "2x", "0.5x", "1.25x+10%", "11x", "better", "");
const versionName = fc.constantFrom("v1", "v2", "V3", "reviews-v3", "v3.1", "-v3", "", "v 3");
const objectName = fc.constantFrom("reviews", "reviews.v1", "Reviews", "-reviews", "re_views", "");
const count = fc.constantFrom(-1, 0, 1, 2, 3, 10, 11, 100, 101, 1_000_001);
const amount = fc.constantFrom(-1, 0, 0.5, 0.99, 1, 50, 99, 99.9, 100, 250);
const query = fc.constantFrom(
  "sum(up)", "", "  ", 'x{a="$(canary.workload)"}[$(window)]', "$(canary)", "$(canary.workloads)", "a$", "a$$(window)", "{{ name }}", "$__rate_interval", "$(name",
);
const url = fc.constantFrom(
  "http://prometheus.istio-system:9090", "https://a/b?c=d", "https://a/b#c", "https://me:secret@host/", "ftp://a", "host:9090", "http://", "https://g/d?ns=$(namespace)", "https://g/$(window)", "http://a b",
);
const text = fc.constantFrom("", " ", "errors", "#deploys", "C0123", "a b", "5xx", "p99_slow", "a:b");

const secretKeyRef = fc.record({ name: objectName, key: text });
const secretSource = fc.record({ secretRef: secretKeyRef });

const condition = fc.record({ name: fc.constantFrom("x-tester", "X-Tester", "cookie", "", "a b"), exact: text, prefix: text, regex: text }, { requiredKeys: ["name"] });
const conditions = fc.array(condition, { maxLength: 2 });
const match = fc.array(some({ headers: conditions, cookies: conditions, query: conditions, sourceLabels: fc.constant({ app: "tests" }), gateways: fc.array(text, { maxLength: 2 }) }), { maxLength: 2 });
const preset = some({ from: amount.map(Math.floor), by: fc.constantFrom(-1, 0, 1, 2, 10, 100, 101), to: amount.map(Math.floor), every: duration });

const host = fc.constantFrom("reviews-preview", "reviews-preview.example", "*.example", "Reviews.example", "reviews.example:9080", "a..b", "");

const step = some({ match, preview: host, keepOld: duration, weight: fc.constantFrom(-5, 0, 1, 5, 10, 25, 50, 99, 100, 101), hold: duration, pause: some({ duration }) });
const goodLadder = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 5 })
  .map((weights) => [...weights.sort((a, b) => a - b), 100].map((weight) => ({ weight, hold: "5m" })));

const metric = fc.record(
  {
    name: text,
    errorRate: some({ max: percentage, compare: comparison }),
    latency: some({ percentile: amount, max: duration, compare: comparison }),
    query,
    ratio: amount,
    min: amount,
    max: amount,
    failures: count,
    onFail: fc.constantFrom("rollback", "pause", "ignore"),
  },
  { requiredKeys: ["name"] },
);

const notification = some({
  slack: some({ channel: text, secretRef: secretKeyRef, webhook: secretSource }),
  webhook: fc.record({ url, secretRef: secretKeyRef }, { requiredKeys: ["url"] }),
  events: fc.array(fc.constantFrom("Started", "Paused", "Succeeded"), { maxLength: 4 }),
});

const connections = fc.array(some({ port: fc.constantFrom(-1, 0, 1, 443, 65_535, 65_536), sniHosts: fc.array(text, { maxLength: 2 }) }), { maxLength: 2 });

const gatewayRoutes = fc.array(fc.record({ name: objectName, namespace: objectName, rule: text, ruleIndex: fc.integer({ min: -1, max: 17 }) }, { requiredKeys: ["name"] }), { maxLength: 2 });

/** Specs of the right types whose values may break any rule. */
export const aSpecWithAnyValues = fc.record(
  {
    release: versionName,
    stable: versionName,
    suspend: fc.boolean(),
    traffic: some({
      istio: fc.record(
        {
          virtualServices: fc.array(
            fc.record({ name: objectName, namespace: objectName, routes: fc.array(text, { maxLength: 3 }), tlsRoutes: connections, tcpRoutes: connections }, { requiredKeys: ["name"] }),
            { maxLength: 3 },
          ),
          destinationRule: fc.record({ name: objectName, namespace: objectName }, { requiredKeys: ["name"] }),
        },
        { requiredKeys: ["virtualServices"] },
      ),
      gatewayApi: some({ httpRoutes: gatewayRoutes, grpcRoutes: gatewayRoutes }),
    }),
    strategy: some({
      firstRun: fc.constantFrom("ladder", "direct"),
      rollbackWindow: count,
      progressDeadline: duration,
      propagation: duration,
      pace: fc.constantFrom("fixed", "evidence"),
      maxHold: duration,
      steps: fc.oneof(goodLadder, fc.array(step, { maxLength: 5 })),
      linear: preset,
      exponential: preset,
      blueGreen: some({ preview: host, autoPromote: duration, hold: duration, keepOld: duration }),
    }),
    analysis: some({
      mode: fc.constantFrom("enforce", "observe"),
      interval: duration,
      settle: duration,
      falseRollback: fc.constantFrom("1%", "0.01%", "0.001%", "20%", "20.1%", "1", ""),
      warmup: duration,
      onMissingTraffic: fc.constantFrom("rollback", "pause", "ignore"),
      minVerdicts: count,
      minRequests: count,
      onNoData: fc.constantFrom("hold", "advance", "rollback", "pause"),
      holdLimit: some({ after: duration, then: fc.constantFrom("pause", "rollback") }),
      prometheus: fc.record(
        { url, auth: some({ basic: fc.record({ username: text, password: secretSource }), bearer: secretSource, tenant: text, ca: secretSource }) },
        { requiredKeys: ["url"] },
      ),
      source: fc.constantFrom("istio", "linkerd", "envoy"),
      envoyCluster: fc.constantFrom("$(namespace)_$(version)_80", "$(version)", "reviews", "$(canary.version)", "", "{{ version }}"),
      metrics: fc.array(metric, { maxLength: 4 }),
    }),
    notifications: fc.array(notification, { maxLength: 4 }),
    links: fc.array(fc.record({ title: text, url }), { maxLength: 2 }),
  },
  { requiredKeys: ["release", "traffic"] },
);
