/** The folder through which other terminals find a running playground: a kubeconfig, launchers, and where its samples are turned. */
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { removeWithUs } from "./processes/last-will.ts";

export const PlaygroundState = z.object({
  pid: z.int(),
  /** Where samples are turned, and the token to show there. */
  control: z.object({ url: z.string(), token: z.string() }),
  prometheus: z.string(),
  /** The proxies by caller: `curl -H 'Host: reviews' URL`. */
  proxies: z.record(z.string(), z.string()),
});
export type PlaygroundState = z.infer<typeof PlaygroundState>;

export interface StateFolder {
  readonly path: string;
  /** A file beside the others, readable by this user only (default), or executable too. */
  write(name: string, text: string, mode?: number): string;
  remove(): void;
}

/** Below the folder in which the playground was started. */
export const defaultStateFolder = path.join(".weir", "playground");

const stateFile = "playground.json";

/** Takes `wanted`; where a playground runs in it already, a folder of our own beside it. Goes when this process goes. */
export function createStateFolder(wanted: string): StateFolder {
  const folder = path.resolve(isTaken(wanted) ? `${wanted}-${process.pid}` : wanted);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const forget = removeWithUs(folder);
  return {
    path: folder,
    write: (name, text, mode = 0o600) => {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text, { mode });
      return file;
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      removeIfEmpty(path.dirname(folder));
      forget();
    },
  };
}

export function writeState(folder: StateFolder, state: PlaygroundState): void {
  folder.write(stateFile, JSON.stringify(state, undefined, 2));
}

/** Of the playground that runs in the folder; throws a sentence where none does. */
export function readState(folder: string): PlaygroundState {
  const state = stateIn(folder);
  if (!state || !isAlive(state.pid)) throw new Error(`No playground runs in ${path.resolve(folder)}: start one there with "npm run playground -- --stay".`);
  return state;
}

function isTaken(folder: string): boolean {
  const state = stateIn(folder);
  return state !== undefined && state.pid !== process.pid && isAlive(state.pid);
}

function stateIn(folder: string): PlaygroundState | undefined {
  const file = path.join(folder, stateFile);
  return existsSync(file) ? PlaygroundState.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // somebody else keeps something there
  }
}
