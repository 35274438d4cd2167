/** `Rollout.spec` as users write it: one schema from which types, defaults, the CRD and `weir lint` come. */
import { z } from "zod";

export const Duration = z.string();
export type Duration = z.infer<typeof Duration>;

export const Percentage = z.string();
export type Percentage = z.infer<typeof Percentage>;

export const WeightStep = z.strictObject({ weight: z.int(), hold: Duration.default("1m") });
export type WeightStep = z.output<typeof WeightStep>;

export const PauseStep = z.strictObject({ pause: z.strictObject({ duration: Duration.optional() }) });
export type PauseStep = z.output<typeof PauseStep>;

export const Step = z.union([WeightStep, PauseStep]);
export type Step = z.output<typeof Step>;

export const Strategy = z.strictObject({
  firstRun: z.enum(["ladder", "direct"]).default("ladder"),
  rollbackWindow: z.int().default(3),
  progressDeadline: Duration.default("10m"),
  propagation: Duration.default("5s"),
  steps: z.array(Step).default([
    { weight: 10, hold: "1m" },
    { weight: 25, hold: "1m" },
    { weight: 50, hold: "1m" },
    { weight: 100, hold: "1m" },
  ]),
});
export type Strategy = z.output<typeof Strategy>;

export const SecretKeyRef = z.strictObject({ name: z.string(), key: z.string() });
export type SecretKeyRef = z.output<typeof SecretKeyRef>;

const SecretSource = z.strictObject({ secretRef: SecretKeyRef });

export const PrometheusAuth = z.strictObject({
  basic: z.strictObject({ username: z.string(), password: SecretSource }).optional(),
  bearer: SecretSource.optional(),
  /** Sent as X-Scope-OrgID. */
  tenant: z.string().optional(),
  ca: SecretSource.optional(),
});
export type PrometheusAuth = z.output<typeof PrometheusAuth>;

export const PrometheusSource = z.strictObject({ url: z.string(), auth: PrometheusAuth.optional() });
export type PrometheusSource = z.output<typeof PrometheusSource>;

/** What to do with a failed metric. */
export const OnFail = z.enum(["rollback", "pause", "ignore"]);
export type OnFail = z.infer<typeof OnFail>;

/** What to do with silence (law 6). */
export const OnSilence = z.enum(["hold", "advance", "rollback", "pause"]);
export type OnSilence = z.infer<typeof OnSilence>;

export const Metric = z.strictObject({
  name: z.string(),
  errorRate: z.strictObject({ max: Percentage }).optional(),
  latency: z.strictObject({ percentile: z.number(), max: Duration }).optional(),
  query: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  failures: z.int().default(2),
  onFail: OnFail.default("rollback"),
});
export type Metric = z.output<typeof Metric>;

export const Analysis = z.strictObject({
  mode: z.enum(["enforce", "observe"]).default("enforce"),
  interval: Duration.default("10s"),
  settle: Duration.default("1s"),
  minVerdicts: z.int().default(3),
  minRequests: z.int().default(20),
  onNoData: OnSilence.default("hold"),
  onInconclusive: OnSilence.default("hold"),
  onProviderError: OnSilence.default("hold"),
  holdLimit: z
    .strictObject({ after: Duration.default("30m"), then: z.enum(["pause", "rollback"]).default("pause") })
    .default({ after: "30m", then: "pause" }),
  prometheus: PrometheusSource.optional(),
  metrics: z.array(Metric).default([{ name: "errors", errorRate: { max: "1%" }, failures: 2, onFail: "rollback" }]),
});
export type Analysis = z.output<typeof Analysis>;

export const VirtualServiceRef = z.strictObject({
  name: z.string(),
  namespace: z.string().optional(),
  routes: z.array(z.string()).optional(),
});
export type VirtualServiceRef = z.output<typeof VirtualServiceRef>;

export const Traffic = z.strictObject({
  istio: z.strictObject({
    virtualServices: z.array(VirtualServiceRef),
    destinationRule: z.strictObject({ name: z.string(), namespace: z.string().optional() }).optional(),
  }),
});
export type Traffic = z.output<typeof Traffic>;

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

export const Notification = z.strictObject({
  /** With `channel` a bot token (own secretRef or the daemon's); with `webhook` an incoming webhook's URL from a Secret. */
  slack: z
    .strictObject({
      channel: z.string().optional(),
      secretRef: SecretKeyRef.optional(),
      webhook: SecretSource.optional(),
    })
    .optional(),
  webhook: z
    .strictObject({ url: z.string(), secretRef: SecretKeyRef.optional() })
    .optional(),
  events: z.array(NotificationEvent).default(everyEvent),
});
export type Notification = z.output<typeof Notification>;

export const Link = z.strictObject({ title: z.string(), url: z.string() });
export type Link = z.output<typeof Link>;

export const RolloutSpec = z.strictObject({
  release: z.string(),
  stable: z.string().optional(),
  suspend: z.boolean().default(false),
  traffic: Traffic,
  strategy: Strategy.prefault({}),
  analysis: Analysis.prefault({}),
  notifications: z.array(Notification).default([]),
  links: z.array(Link).default([]),
});
/** A spec with every default filled in; durations and percentages are still the strings that the user wrote. */
export type RolloutSpec = z.output<typeof RolloutSpec>;
/** A spec as written: everything with a default may be absent. */
export type RolloutSpecInput = z.input<typeof RolloutSpec>;
