/** What only the daemon sees, for `weir doctor`: one finding a line, each with what to do. */

export interface Finding {
  readonly check: "daemon" | "redis" | "prometheus" | "clock";
  readonly ok: boolean;
  readonly message: string;
}

export interface DoctorOptions {
  readonly version: string;
  readonly prometheusUrl: string;
  readonly isShared: () => boolean;
  readonly skewMs: () => number | undefined;
  readonly unready: () => readonly string[];
}

const SKEW_LIMIT_MS = 2_000;
const PROBE_TIMEOUT_MS = 5_000;

export function createDoctor(options: DoctorOptions): () => Promise<{ readonly version: string; readonly findings: readonly Finding[] }> {
  return async () => ({ version: options.version, findings: [daemon(options), redis(options), await prometheus(options), clock(options)] });
}

function daemon({ unready }: DoctorOptions): Finding {
  const reasons = unready();
  return { check: "daemon", ok: reasons.length === 0, message: reasons.length === 0 ? "ready" : reasons.join("; ") };
}

function redis({ isShared }: DoctorOptions): Finding {
  if (isShared()) return { check: "redis", ok: true, message: "answers; ticks are shared between daemons" };
  return { check: "redis", ok: false, message: "does not answer, so each daemon keeps its own time: check WEIR_REDIS_URL and the server" };
}

async function prometheus({ prometheusUrl }: DoctorOptions): Promise<Finding> {
  try {
    const address = new URL(`${prometheusUrl.replace(/\/+$/, "")}/api/v1/query?query=vector(1)`);
    const answer = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await answer.body?.cancel();
    if (answer.ok) return { check: "prometheus", ok: true, message: "answers queries" };
    return { check: "prometheus", ok: false, message: `answered ${answer.status}, 200 was expected: check WEIR_PROMETHEUS_URL` };
  } catch {
    return { check: "prometheus", ok: false, message: "does not answer queries: check WEIR_PROMETHEUS_URL and the server" };
  }
}

function clock({ skewMs }: DoctorOptions): Finding {
  const skew = skewMs();
  if (skew === undefined) return { check: "clock", ok: true, message: "not compared with the API server's yet" };
  const far = Math.abs(skew) > SKEW_LIMIT_MS;
  return { check: "clock", ok: !far, message: far ? `differs from the API server's by ${Math.round(skew / 1_000)} s: check time synchronisation` : "agrees with the API server's" };
}
