/** A proxy's /metrics as a test sets it. */
import { listenOnLoopback } from "../../src/playground/loopback.ts";
import { until } from "./until.ts";

export interface Exporter {
  /** `host:port`, for a scrape config. */
  readonly address: string;
  /** The exposition from now on; null: the target answers 503, so Prometheus marks its series as gone. */
  show(text: string | null): void;
  /** Settles when Prometheus has stored what is shown: a second scrape begins only after the first one's samples are in. */
  stored(limitMs?: number): Promise<void>;
  close(): Promise<void>;
}

export async function startExporter(): Promise<Exporter> {
  let text: string | null = "";
  let scrapes = 0;
  const server = await listenOnLoopback((_request, response) => {
    scrapes += 1;
    if (text === null) response.writeHead(503).end();
    else response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4" }).end(text);
  });
  return {
    address: server.url.replace("http://", ""),
    show: (next) => void (text = next),
    stored: (limitMs) => {
      const before = scrapes;
      return until(() => scrapes >= before + 2, limitMs);
    },
    close: () => server.close(),
  };
}

type Labels = Readonly<Record<string, string>>;

/** One sample. */
export function exposed(name: string, labels: Labels, value: number): string {
  return `${name}{${labelText(labels)}} ${value}\n`;
}

/** `istio_requests_total` of one pod, by response code. */
export function requestsText(labels: Labels, byCode: Readonly<Record<string, number>>): string {
  const rows = Object.entries(byCode).map(([code, count]) => `istio_requests_total{${labelText({ ...labels, response_code: code, request_protocol: "http" })}} ${count}\n`);
  return `# TYPE istio_requests_total counter\n${rows.join("")}`;
}

/** `istio_request_duration_milliseconds`; cumulative counts by bound. */
export function durationsText(labels: Labels, buckets: Readonly<Record<string, number>>): string {
  const name = "istio_request_duration_milliseconds";
  const rows = Object.entries(buckets).map(([le, count]) => `${name}_bucket{${labelText({ ...labels, response_code: "200", le })}} ${count}\n`);
  return `# TYPE ${name} histogram\n${rows.join("")}${name}_count{${labelText({ ...labels, response_code: "200" })}} ${buckets["+Inf"] ?? 0}\n`;
}

/** The labels of a report that a pod of this workload makes about requests to it. */
export function destinationLabels(workload: string, pod = `${workload}-a`, namespace = "bookinfo"): Labels {
  return { reporter: "destination", pod, namespace, destination_workload: workload, destination_workload_namespace: namespace };
}

function labelText(labels: Labels): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(",");
}
