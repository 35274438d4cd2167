/** The daemon's environment, read once and frozen; the only reader of process.env. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { AGE_PATTERN, ageMsOf } from "./rollout/units.ts";

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
  /** Instead of Slack's own, for a gateway in between. */
  WEIR_SLACK_API_URL: z.url({ protocol: /^https?$/ }).optional(),
  KUBERNETES_SERVICE_HOST: z.string().optional(),
  KUBERNETES_SERVICE_PORT: z.string().optional(),
  HOME: z.string().optional(),
  WEIR_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Ticks at once in this daemon. */
  WEIR_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(64),
  /** How long the records of ended runs are kept, and how many of each Rollout. */
  WEIR_RUN_TTL: z.string().regex(AGE_PATTERN, "expected an age such as 90d or 36h").default("90d"),
  WEIR_RUN_LIMIT: z.coerce.number().int().min(1).max(10_000).default(100),
});

export interface Config {
  /** Where the API server is looked for, in this order: a kubeconfig that is named, the pod's own account, the home directory's. */
  readonly cluster: {
    readonly kubeconfig?: string;
    readonly home?: string;
    readonly inCluster?: { readonly host: string; readonly port: string };
  };
  readonly namespace?: string;
  readonly redisUrl: string;
  readonly prometheusUrl: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly allowHosts: readonly string[];
  readonly slackToken?: string;
  readonly slackApiUrl?: string;
  readonly logLevel: string;
  readonly concurrency: number;
  /** Records of ended runs: how old they get, and how many there are of each Rollout. */
  readonly runTtlMs: number;
  readonly runLimit: number;
}

/** Flags win over the environment: `--allow-hosts` over WEIR_ALLOW_HOSTS. Throws one sentence that names the variable, what was expected and what came. */
export function configFrom(environment: Readonly<Record<string, string | undefined>> = process.env, args: readonly string[] = process.argv.slice(2)): Config {
  const set: Record<string, string | undefined> = { ...Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== "")), ...flagsFrom(args) };
  const parsed = Environment.safeParse(set);
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}, got ${JSON.stringify(set[String(issue.path[0])])}`).join("; "));
  const env = parsed.data;
  const colon = env.WEIR_LISTEN.lastIndexOf(":");
  const host = env.WEIR_LISTEN.slice(0, colon) || "0.0.0.0";
  return Object.freeze({
    cluster: clusterFrom(env),
    ...(env.WEIR_NAMESPACE ? { namespace: env.WEIR_NAMESPACE } : {}),
    redisUrl: env.WEIR_REDIS_URL,
    prometheusUrl: env.WEIR_PROMETHEUS_URL,
    listen: { host, port: Port.parse(env.WEIR_LISTEN.slice(colon + 1)) },
    allowHosts: env.WEIR_ALLOW_HOSTS.split(",").map((name) => name.trim()).filter(Boolean),
    ...(env.WEIR_SLACK_TOKEN ? { slackToken: env.WEIR_SLACK_TOKEN } : {}),
    ...(env.WEIR_SLACK_API_URL ? { slackApiUrl: env.WEIR_SLACK_API_URL } : {}),
    logLevel: env.WEIR_LOG_LEVEL,
    concurrency: env.WEIR_CONCURRENCY,
    runTtlMs: ageMsOf(env.WEIR_RUN_TTL),
    runLimit: env.WEIR_RUN_LIMIT,
  });
}

/** Each variable `WEIR_X_Y` is also a flag `--x-y`, but for the secret one: command lines are seen by everybody. */
function flagsFrom(args: readonly string[]): Record<string, string> {
  const names = Object.keys(Environment.shape).filter((name) => name.startsWith("WEIR_") && name !== "WEIR_SLACK_TOKEN");
  const flagOf = (name: string): string => name.slice("WEIR_".length).toLowerCase().replaceAll("_", "-");
  const options = Object.fromEntries(names.map((name) => [flagOf(name), { type: "string" as const }]));
  const { values } = parseArgs({ args: [...args], options, allowPositionals: true });
  return Object.fromEntries(names.flatMap((name) => (typeof values[flagOf(name)] === "string" ? [[name, values[flagOf(name)] as string]] : [])));
}

type ClusterEnvironment = Pick<z.output<typeof Environment>, "KUBECONFIG" | "HOME" | "KUBERNETES_SERVICE_HOST" | "KUBERNETES_SERVICE_PORT">;

function clusterFrom({ KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" }: ClusterEnvironment): Config["cluster"] {
  return { ...(KUBECONFIG ? { kubeconfig: KUBECONFIG } : {}), ...(HOME ? { home: HOME } : {}), ...(host ? { inCluster: { host, port } } : {}) };
}

/** Whether secrets and messages may go to a URL's host: `*.example.com` admits subdomains, `*` everything (law 14). */
export function hostGate(allowHosts: readonly string[]): (url: URL) => boolean {
  return ({ hostname }) => allowHosts.some((allowed) => allowed === "*" || allowed === hostname || (allowed.startsWith("*.") && hostname.endsWith(allowed.slice(1))));
}

/** What the command line takes from its environment. */
export interface CliEnvironment {
  readonly cluster: Config["cluster"];
  /** NO_COLOR is set, to whatever (no-color.org). */
  readonly noColor: boolean;
}

export function cliEnvironment(environment: Readonly<Record<string, string | undefined>> = process.env): CliEnvironment {
  return { cluster: clusterFrom(environment), noColor: Boolean(environment.NO_COLOR) || environment.TERM === "dumb" };
}

/** The servers that the playground and the tests start; by default those on the PATH. */
export function serverPrograms(environment: Readonly<Record<string, string | undefined>> = process.env): { readonly redis: string; readonly prometheus: string } {
  return { redis: environment.WEIR_REDIS_SERVER || "redis-server", prometheus: environment.WEIR_PROMETHEUS || "prometheus" };
}
