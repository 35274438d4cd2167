/** Faults that a test puts between a client and the server. */
import type { RequestRecord } from "./request-record.ts";

export interface Fault {
  /** The request waits for this first. */
  readonly hold?: Promise<void>;
  /** Instead of what the server would do. */
  readonly answer?: { readonly status: number; readonly reason?: string; readonly message?: string; readonly headers?: Readonly<Record<string, string>> };
  /** The connection breaks: before anything is done, or after the write took effect and before the answer. */
  readonly cut?: "before" | "after";
}

/** Nothing: the request passes unharmed. */
export type FaultRule = (request: RequestRecord) => Fault | undefined;

export interface Faults {
  /** The first rule that names a fault decides. Returns how to take it out. */
  inject(rule: FaultRule): () => void;
}

export interface FaultList extends Faults {
  faultFor(request: RequestRecord): Fault;
}

export function createFaults(): FaultList {
  const rules = new Set<FaultRule>();
  return {
    inject(rule) {
      rules.add(rule);
      return () => void rules.delete(rule);
    },
    faultFor(request) {
      for (const rule of rules) {
        const fault = rule(request);
        if (fault) return fault;
      }
      return {};
    },
  };
}
