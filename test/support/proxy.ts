/** A proxy that counts requests as Istio's do: what it has served, and what its counters say about it. */
import { destinationLabels, durationsText, requestsText } from "./exporter.ts";

export interface Requests {
  readonly good: number;
  /** Failed with 503 after more than half a second. */
  readonly bad: number;
}

export interface Proxy {
  serve(workload: string, requests: Requests): void;
  /** The counters begin anew; what was served was served. */
  restart(): void;
  served(workload: string): Requests;
  /** For /metrics: a series appears with its first request. */
  text(): string;
}

export interface ProxyOptions {
  readonly reporter: "source" | "destination";
  readonly pod: string;
  readonly namespace: string;
  /** Of a pod: its own. */
  readonly workload?: string;
  /** Of a caller: where the workloads are that it calls; default: where it is. */
  readonly workloadNamespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const NONE: Requests = { good: 0, bad: 0 };

export function createProxy({ reporter, pod, namespace, workloadNamespace = namespace, labels = {} }: ProxyOptions): Proxy {
  const total = new Map<string, Requests>();
  let counters = new Map<string, Requests>();

  return {
    serve: (workload, requests) => {
      total.set(workload, sum(total.get(workload) ?? NONE, requests));
      counters.set(workload, sum(counters.get(workload) ?? NONE, requests));
    },
    restart: () => (counters = new Map()),
    served: (workload) => total.get(workload) ?? NONE,
    text: () => [...counters].map(([workload, requests]) => textOf({ ...destinationLabels(workload, pod, workloadNamespace), reporter, namespace, ...labels }, requests)).join(""),
  };
}

function sum(a: Requests, b: Requests): Requests {
  return { good: a.good + b.good, bad: a.bad + b.bad };
}

function textOf(labels: Readonly<Record<string, string>>, { good, bad }: Requests): string {
  const byCode = { ...(good > 0 ? { "200": good } : {}), ...(bad > 0 ? { "503": bad } : {}) };
  return requestsText(labels, byCode) + durationsText(labels, { "100": good, "500": good, "1000": good + bad, "+Inf": good + bad });
}
