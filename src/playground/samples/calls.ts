/** What applications ask of each other before they answer. */
import { Agent } from "node:http";
import { ask, type Asked } from "../load.ts";
import type { Endpoint } from "../mesh/endpoint.ts";
import type { VersionCounts } from "../mesh/tally.ts";

type Pod = Omit<Endpoint, "port">;

export interface Calls {
  /** From now on each pod of an application asks this. */
  add(app: string, askedBy: (pod: Pod) => Asked): void;
  /** Settles with the answer (`v1 200`) that a pod got; undefined where it calls nobody. */
  from(pod: Pod): Promise<string | undefined>;
  /** What was answered, by the version that called. */
  counts(app: string): Readonly<Record<string, VersionCounts>>;
  close(): void;
}

interface Calling {
  readonly askedBy: (pod: Pod) => Asked;
  readonly counts: Record<string, VersionCounts>;
}

export function createCalls(): Calls {
  const calling = new Map<string, Calling>();
  const agent = new Agent({ keepAlive: true });
  return {
    add: (app, askedBy) => void calling.set(app, { askedBy, counts: {} }),
    async from(pod) {
      const { app = "", version = "" } = pod.labels;
      const call = calling.get(app);
      if (!call) return undefined;
      const answer = await ask(call.askedBy(pod), agent);
      call.counts[version] = withAnswer(call.counts[version], answer);
      return answer;
    },
    counts: (app) => ({ ...calling.get(app)?.counts }),
    close: () => agent.destroy(),
  };
}

/** `answer`: `v1 200`. */
function withAnswer(counts: VersionCounts = {}, answer: string): VersionCounts {
  const [version = "-", code] = answer.split(" ");
  const { requests, bad } = counts[version] ?? { requests: 0, bad: 0 };
  return { ...counts, [version]: { requests: requests + 1, bad: bad + (code === "200" ? 0 : 1) } };
}
