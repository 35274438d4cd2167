/** A share of traffic as a bar. */
import type { Style } from "../style.ts";

const WIDTH = 30;

/** Full for 100; a share above 0 is always to be seen, and one below 100 never looks full. */
export function barOf(percent: number, style: Style): string {
  const exact = Math.round((percent / 100) * WIDTH);
  const filled = percent <= 0 ? 0 : percent >= 100 ? WIDTH : Math.min(WIDTH - 1, Math.max(1, exact));
  return style.accent("█".repeat(filled)) + style.dim("░".repeat(WIDTH - filled));
}
