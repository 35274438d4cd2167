/** The daemon's environment, read once and frozen; the only reader of process.env. */
import { z } from "zod";

const Port = z.coerce.number().int().min(0).max(65535);

const Environment = z.object({
  KUBECONFIG: z.string().optional(),
  /** Watch this namespace only; empty: all. */
  WEIR_NAMESPACE: z.string().optional(),
  WEIR_REDIS_URL: z.string().default("redis://127.0.0.1:6379"),
  WEIR_PROMETHEUS_URL: z.url({ protocol: /^https?$/ }).default("http://prometheus.istio-system:9090"),
  /** host:port of /healthz, /readyz, /metrics and /doctor. */
  WEIR_LISTEN: z.string().regex(/^[^:]*:\d+$/).default("0.0.0.0:8080"),
  /** Comma-separated host names that secrets and notifications may go to; `*.example.com` admits subdomains, `*` everything. */
  WEIR_ALLOW_HOSTS: z.string().default("slack.com,hooks.slack.com"),
  WEIR_SLACK_TOKEN: z.string().optional(),
  WEIR_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Ticks at once in this daemon. */
  WEIR_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(64),
});

export interface Config {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly redisUrl: string;
  readonly prometheusUrl: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly allowHosts: readonly string[];
  readonly slackToken?: string;
  readonly logLevel: string;
  readonly concurrency: number;
}

/** Throws one sentence that names the variable, what was expected and what came. */
export function configFrom(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = Environment.safeParse(set);
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}, got ${JSON.stringify(set[String(issue.path[0])])}`).join("; "));
  const env = parsed.data;
  const colon = env.WEIR_LISTEN.lastIndexOf(":");
  const host = env.WEIR_LISTEN.slice(0, colon) || "0.0.0.0";
  return Object.freeze({
    ...(env.KUBECONFIG ? { kubeconfig: env.KUBECONFIG } : {}),
    ...(env.WEIR_NAMESPACE ? { namespace: env.WEIR_NAMESPACE } : {}),
    redisUrl: env.WEIR_REDIS_URL,
    prometheusUrl: env.WEIR_PROMETHEUS_URL,
    listen: { host, port: Port.parse(env.WEIR_LISTEN.slice(colon + 1)) },
    allowHosts: env.WEIR_ALLOW_HOSTS.split(",").map((name) => name.trim()).filter(Boolean),
    ...(env.WEIR_SLACK_TOKEN ? { slackToken: env.WEIR_SLACK_TOKEN } : {}),
    logLevel: env.WEIR_LOG_LEVEL,
    concurrency: env.WEIR_CONCURRENCY,
  });
}

/** The servers that the playground and the tests start; by default those on the PATH. */
export function serverPrograms(environment: Readonly<Record<string, string | undefined>> = process.env): { readonly redis: string; readonly prometheus: string } {
  return { redis: environment.WEIR_REDIS_SERVER || "redis-server", prometheus: environment.WEIR_PROMETHEUS || "prometheus" };
}
