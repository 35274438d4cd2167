/** Writes the playground's story to a terminal: settled lines stay, live lines are redrawn in place; without a terminal only settled ones appear. */
import colours from "picocolors";

type Colour = (text: string) => string;

export interface Style {
  readonly stable: Colour;
  readonly canary: Colour;
  readonly good: Colour;
  readonly bad: Colour;
  readonly dim: Colour;
  readonly bold: Colour;
}

export interface Display {
  readonly style: Style;
  /** Lines that stay. */
  say(...lines: readonly string[]): void;
  /** Lines that the next call of `live` or `say` replaces. */
  live(...lines: readonly string[]): void;
}

export interface DisplayOptions {
  readonly write: (text: string) => void;
  /** Whether lines can be redrawn. */
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
}

/** No line is wider, so that none wraps in a terminal of this width. */
export const mostColumns = 100;

export function createDisplay({ write, isTerminal, hasColour }: DisplayOptions): Display {
  let liveLines = 0;
  const erase = () => {
    if (liveLines > 0) write(`\u001b[${liveLines}A\r\u001b[J`);
    liveLines = 0;
  };
  return {
    style: styleOf(hasColour),
    say: (...lines) => {
      erase();
      write(lines.map((line) => `${line}\n`).join(""));
    },
    live: (...lines) => {
      if (!isTerminal) return;
      erase();
      write(lines.map((line) => `${line}\n`).join(""));
      liveLines = lines.length;
    },
  };
}

function styleOf(hasColour: boolean): Style {
  const { blue, green, red, dim, bold, magenta } = colours.createColors(hasColour);
  return { stable: blue, canary: magenta, good: green, bad: red, dim, bold };
}
