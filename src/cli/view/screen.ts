/** A block of lines that is redrawn in place. */
import type { World } from "../world.ts";
import { widthOf } from "./columns.ts";

export interface Screen {
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn last, and the cursor below it. */
  leave(): void;
}

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

export function createScreen({ raw, columns, rows }: Pick<World, "raw" | "columns" | "rows">): Screen {
  let height = 0;
  const paint = (shown: readonly string[]): void => {
    const up = height > 0 ? `\x1b[${height}A\r` : "";
    raw(HIDE_CURSOR + NO_WRAP + up + shown.map((line) => `${line}${CLEAR_LINE}\n`).join("") + CLEAR_BELOW + WRAP);
    height = shown.length;
  };
  return {
    draw: (lines) => paint(lines.flatMap((line) => folded(line, columns())).slice(0, Math.max(1, rows() - 1))),
    leave: () => raw(SHOW_CURSOR),
  };
}

/** A line that is too long goes on in the next one; a long one is plain text, so that no colour is cut. */
function folded(line: string, width: number): readonly string[] {
  if (widthOf(line) <= width || line.includes("\x1b")) return [line];
  const letters = [...line];
  return Array.from({ length: Math.ceil(letters.length / width) }, (_, index) => letters.slice(index * width, (index + 1) * width).join(""));
}
