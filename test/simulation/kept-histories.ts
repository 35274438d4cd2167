/** Histories that once broke a law, each in a file: they are played again with every test run. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { History } from "./world/history.ts";

const FOLDER = fileURLToPath(new URL("./kept/", import.meta.url));

export interface KeptHistory {
  /** The law that it broke, and how. */
  readonly law: string;
  readonly sentence: string;
  readonly history: History;
}

export function keptHistories(): readonly (KeptHistory & { readonly file: string })[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(".json"));
  return files.map((file) => ({ file, ...(JSON.parse(readFileSync(`${FOLDER}${file}`, "utf8")) as KeptHistory) }));
}

/** The name of its file. */
export function keep(kept: KeptHistory): string {
  mkdirSync(FOLDER, { recursive: true });
  const file = `${kept.law}-${kept.history.scene.seed}.json`;
  writeFileSync(`${FOLDER}${file}`, `${JSON.stringify(kept, undefined, 2)}\n`);
  return file;
}
