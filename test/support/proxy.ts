/** A proxy that counts requests as real ones do: what it has served, and what its counters say about it. */
import { EXPOSITIONS, type Exposition, type Requests, type Teller } from "./expositions.ts";

export interface Proxy {
  serve(workload: string, requests: Requests): void;
  /** The counters begin anew; what was served was served. */
  restart(): void;
  served(workload: string): Requests;
  /** For /metrics: a series appears with its first request. */
  text(): string;
}

export interface ProxyOptions {
  readonly reporter: Teller;
  readonly pod: string;
  readonly namespace: string;
  /** Of a pod: its own. */
  readonly workload?: string;
  /** Of a caller: where the workloads are that it calls; default: where it is. */
  readonly workloadNamespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: as Istio's. */
  readonly exposition?: Exposition;
}

const NONE: Requests = { good: 0, bad: 0 };

export function createProxy({ reporter, pod, namespace, workloadNamespace = namespace, labels = {}, exposition = EXPOSITIONS.istio }: ProxyOptions): Proxy {
  const total = new Map<string, Requests>();
  let counters = new Map<string, Requests>();

  return {
    serve: (workload, requests) => {
      total.set(workload, sum(total.get(workload) ?? NONE, requests));
      counters.set(workload, sum(counters.get(workload) ?? NONE, requests));
    },
    restart: () => (counters = new Map()),
    served: (workload) => total.get(workload) ?? NONE,
    text: () => [...counters].map(([workload, requests]) => exposition({ reporter, pod, namespace, workload, workloadNamespace, labels }, requests)).join(""),
  };
}

function sum(a: Requests, b: Requests): Requests {
  return { good: a.good + b.good, bad: a.bad + b.bad };
}
