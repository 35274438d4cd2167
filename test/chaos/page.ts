/** `docs/reliability.md`: the table, what its words mean, and how to get it again. */
import { sumSaid, tableOf, type Row } from "./report.ts";

export function pageOf(rows: readonly Row[]): string {
  return `TODO\n\n${tableOf(rows)}\n\n${sumSaid(rows)}\n`;
}
