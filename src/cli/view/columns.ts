/** Texts in columns. */
import { stripVTControlCharacters } from "node:util";

const GAP = "   ";

/** Rows of equal length, padded to their columns; no blanks at line ends. Colours take no width. */
export function inColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ""))));
  return rows.map((row) => row.map((text, column) => text + " ".repeat(widths[column]! - widthOf(text))).join(GAP).trimEnd());
}

export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

export function shortened(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, Math.max(0, most - 1)).join("").trimEnd()}…`;
}

/** Words in lines of at most `width` characters. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
