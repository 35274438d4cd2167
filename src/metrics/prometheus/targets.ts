/** Which Prometheus a question goes to: clients by address and credentials, each with a limit on how much it is asked at once. */
import { createHash } from "node:crypto";
import type { Question } from "../../rollout/analysis/measurement.ts";
import type { PrometheusSource } from "../../rollout/spec.ts";
import type { Answer } from "./answer.ts";
import { createPrometheusClient, type ClientOptions, type PrometheusClient } from "./client.ts";
import { checkedUrl, credentialsFrom, wrong, type Credentials, type ReadSecret } from "./credentials.ts";
import { createLimit, type Limit } from "./limit.ts";
import { PrometheusError } from "./prometheus-error.ts";

/** A Prometheus as one set of credentials sees it. */
export interface Target {
  /** The same for the same address and credentials; holds neither. */
  readonly key: string;
  readonly query: PrometheusClient["query"];
  readonly queryRange: PrometheusClient["queryRange"];
}

export interface TargetsOptions {
  /** For Rollouts that name none; admitted without asking `isAllowedHost`. */
  readonly own: { readonly url: string; readonly credentials?: Credentials };
  readonly readSecret: ReadSecret;
  /** Whether credentials and queries may go there (law 14). */
  readonly isAllowedHost: (url: URL) => boolean;
  /** Queries that one Prometheus is asked at once. */
  readonly maxConcurrency: number;
  readonly deadlineMs: number;
  readonly maxAnswerBytes: number;
  /** After each query: `ok` or the error's kind. */
  readonly onQuery?: (result: string, durationMs: number) => void;
}

/** Clients kept; beyond it the one used least recently goes, and its idle connections close by themselves. */
const MAX_CLIENTS = 256;

/** A changed Secret makes another client: the old one is not asked again. */
export function createTargets(options: TargetsOptions): { for(question: Pick<Question, "rollout" | "prometheus">): Promise<Target> } {
  const targets = new Map<string, Target>();
  const limits = new Map<string, Limit>();

  function limitOf(url: string): Limit {
    const limit = limits.get(url) ?? createLimit(options.maxConcurrency);
    limits.delete(url);
    limits.set(url, limit);
    dropOldest(limits);
    return limit;
  }

  function targetOf(url: string, credentials: Credentials): Target {
    const key = createHash("sha256").update(JSON.stringify([url, credentials])).digest("hex");
    const target = targets.get(key) ?? createTarget(key, { ...options, url, credentials, limit: limitOf(url) });
    targets.delete(key);
    targets.set(key, target);
    dropOldest(targets);
    return target;
  }

  return {
    for: async ({ rollout: { namespace }, prometheus }) => {
      if (!prometheus) return targetOf(options.own.url, options.own.credentials ?? {});
      const url = checkedUrl(prometheus, options.isAllowedHost);
      return targetOf(url, await credentialsOf(prometheus, namespace, options.readSecret));
    },
  };
}

function credentialsOf({ auth }: PrometheusSource, namespace: string, readSecret: ReadSecret): Promise<Credentials> {
  return credentialsFrom(auth, async (ref) => {
    try {
      return await readSecret(namespace, ref);
    } catch (error) {
      throw wrong(error instanceof Error ? error.message : `Secret ${namespace}/${ref.name} cannot be read`);
    }
  });
}

function createTarget(key: string, options: ClientOptions & Pick<TargetsOptions, "onQuery">): Target {
  const client = createPrometheusClient(options);
  return {
    key,
    query: (promql, instantMs, signal) => timed(() => client.query(promql, instantMs, signal), options.onQuery),
    queryRange: (promql, span, signal) => timed(() => client.queryRange(promql, span, signal), options.onQuery),
  };
}

async function timed(query: () => Promise<Answer>, onQuery: TargetsOptions["onQuery"]): Promise<Answer> {
  const startMs = performance.now();
  const done = (result: string): void => onQuery?.(result, performance.now() - startMs);
  try {
    const answer = await query();
    done("ok");
    return answer;
  } catch (error) {
    done(error instanceof PrometheusError ? error.kind : "aborted");
    throw error;
  }
}

function dropOldest(entries: Map<string, unknown>): void {
  for (const key of entries.keys()) {
    if (entries.size <= MAX_CLIENTS) return;
    entries.delete(key);
  }
}
