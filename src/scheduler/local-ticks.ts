/** Ticks that do not pass through Redis: commands at once, everything else as room allows (law 1). */
import type { RolloutRef } from "../rollout/rollout.ts";
import type { Agenda } from "./agenda.ts";
import type { Lanes, TickRequest } from "./lanes.ts";
import { createLimit } from "./limit.ts";
import { keyOf } from "./schedule.ts";
import type { TickSource } from "./tick.ts";

export interface LocalTicks {
  /** At once, and looking that goes on for this Rollout stops: for commands, spec changes and deletions. */
  now(ref: RolloutRef, dueAtMs: number): Promise<void>;
  /** When there is room, once for all who ask meanwhile. */
  soon(ref: RolloutRef, source: TickSource, dueAtMs: number): Promise<void>;
}

export function createLocalTicks(lanes: Lanes, agenda: Pick<Agenda, "after">, atOnce: number): LocalTicks {
  const limit = createLimit(atOnce);
  const waiting = new Set<string>();
  const run = async (request: TickRequest, interrupts: boolean) => agenda.after(request.ref, await lanes.enter(request, interrupts));
  return {
    now: (ref, dueAtMs) => run({ ref, source: "command", dueAtMs }, true),
    async soon(ref, source, dueAtMs) {
      const key = keyOf(ref);
      if (waiting.has(key)) return;
      waiting.add(key);
      await limit(() => {
        waiting.delete(key);
        return run({ ref, source, dueAtMs }, false);
      });
    },
  };
}
