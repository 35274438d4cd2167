/** What the meshes of a fleet would report, worked out from weights and error rates instead of sent request by request. */
import { destinationLabels, requestsText } from "../support/exporter.ts";

export interface FleetTelemetry {
  /** From now on the application's versions get these shares of its requests, in percent. */
  share(app: FleetName, shares: Readonly<Record<string, number>>): void;
  /** From now on this part (0 to 1) of the version's requests fails. */
  turn(app: FleetName, version: string, errorRate: number): void;
  /** Prometheus' text format, as of now. */
  text(): string;
}

export interface FleetName {
  readonly namespace: string;
  readonly name: string;
}

interface Workload {
  readonly namespace: string;
  readonly name: string;
  share: number;
  errorRate: number;
  succeeded: number;
  failed: number;
  /** Until when it is counted. */
  countedMs: number;
}

/** Every application gets so many requests a second. */
export function createFleetTelemetry(requestsPerSecond: number, nowMs: () => number = () => performance.now()): FleetTelemetry {
  const workloads = new Map<string, Workload>();
  const workloadOf = ({ namespace, name }: FleetName, version: string): Workload => {
    const key = `${namespace}/${name}-${version}`;
    const known = workloads.get(key) ?? { namespace, name: `${name}-${version}`, share: 0, errorRate: 0, succeeded: 0, failed: 0, countedMs: nowMs() };
    workloads.set(key, known);
    return known;
  };
  const count = (workload: Workload): void => {
    const requests = ((nowMs() - workload.countedMs) / 1_000) * requestsPerSecond * (workload.share / 100);
    workload.countedMs = nowMs();
    workload.failed += requests * workload.errorRate;
    workload.succeeded += requests * (1 - workload.errorRate);
  };
  return {
    share(app, shares) {
      for (const [version, share] of Object.entries(shares)) {
        const workload = workloadOf(app, version);
        count(workload);
        workload.share = share;
      }
    },
    turn(app, version, errorRate) {
      const workload = workloadOf(app, version);
      count(workload);
      workload.errorRate = errorRate;
    },
    text() {
      const all = [...workloads.values()];
      all.forEach(count);
      return all.map(seriesOf).join("");
    },
  };
}

/** A series appears with its first request, as in Envoy. */
function seriesOf({ namespace, name, succeeded, failed }: Workload): string {
  const byCode = Object.entries({ 200: Math.floor(succeeded), 500: Math.floor(failed) }).filter(([, requests]) => requests > 0);
  return byCode.length === 0 ? "" : requestsText(destinationLabels(name, `${name}-a`, namespace), Object.fromEntries(byCode));
}
