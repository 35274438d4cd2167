/** Sees to it that child processes and temporary folders go when this process goes, even by `kill -9`. */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";

// A shell waits at the other end of a pipe. However we end, the kernel closes our end, and the shell carries out the last line that it read.
const SHELL_SCRIPT = 'will=:; while IFS= read -r line; do will=$line; done; eval "$will"';

const pids = new Set<number>();
const folders = new Set<string>();
let shellInput: Writable | undefined;

/** From now on the process is killed when this one ends; the returned function takes that back. */
export function killWithUs(pid: number): () => void {
  pids.add(pid);
  writeWill();
  return () => {
    pids.delete(pid);
    writeWill();
  };
}

/** From now on the folder is removed when this process ends; the returned function takes that back. */
export function removeWithUs(folder: string): () => void {
  folders.add(folder);
  writeWill();
  return () => {
    folders.delete(folder);
    writeWill();
  };
}

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new folder, readable by this user only, that is removed when this process ends, if not before. */
export function createTemporaryFolder(name: string): TemporaryFolder {
  const folder = mkdtempSync(path.join(tmpdir(), `${name}-`));
  const forget = removeWithUs(folder);
  return {
    path: folder,
    remove: async () => {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      forget();
    },
  };
}

function writeWill(): void {
  shellInput ??= startShell();
  shellInput.write(`${willOf([...pids], [...folders])}\n`);
}

function willOf(toKill: readonly number[], toRemove: readonly string[]): string {
  const kill = toKill.length > 0 ? `kill -9 ${toKill.join(" ")}` : ":";
  if (toRemove.length === 0) return kill;
  const remove = `rm -rf -- ${toRemove.map(quoted).join(" ")}`;
  return `${kill}; ${remove}; sleep 1; ${remove}`; // twice: a process that is dying may still create a file
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function startShell(): Writable {
  // Detached: a Ctrl-C in the terminal, which every process of the group gets, must not end the shell before us.
  const shell = spawn("/bin/sh", ["-c", SHELL_SCRIPT], { detached: true, cwd: "/", stdio: ["pipe", "ignore", "ignore"] });
  shell.unref();
  (shell.stdin as Socket).unref(); // else the open pipe would keep us alive
  return shell.stdin;
}
