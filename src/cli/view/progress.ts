/** How far a long computation has come, for whoever watches a terminal; nothing in pipes. */
import type { World } from "../world.ts";

const WIDTH = 30;
const CLEAR_LINE = "\x1b[K";

export interface Progress {
  /** From 0 to 1. */
  at(fraction: number): void;
  /** Leaves no trace. */
  leave(): void;
}

export function createProgress({ progress }: Pick<World, "progress">, what: string): Progress {
  let shown = -1;
  return {
    at(fraction) {
      const percent = Math.floor(Math.min(1, Math.max(0, fraction)) * 100);
      if (percent === shown) return;
      shown = percent;
      const filled = Math.round((percent / 100) * WIDTH);
      progress?.(`\r${what} ${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${percent} %${CLEAR_LINE}`);
    },
    leave() {
      if (shown >= 0) progress?.(`\r${CLEAR_LINE}`);
    },
  };
}
