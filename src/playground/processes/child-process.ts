/** Starts a program as a child process that ends with this one, and waits until it is ready. */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { killWithUs } from "./last-will.ts";

export interface Child {
  readonly pid: number;
  /** Settles, with a sentence that says how, when the process has ended. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** The last lines that it wrote to stdout and stderr. */
  lastLines(): string;
  /** No error if it has ended already. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL to one that is still there after `graceMs`; settles when it has ended. */
  stop(graceMs?: number): Promise<void>;
}

/** The program ended before it was ready. */
export class EndedEarly extends Error {
  override readonly name = "EndedEarly";
}

const STOP_GRACE_MS = 5_000;
const READY_POLL_MS = 20;
const READY_DEADLINE_MS = 60_000;
const TAIL_LINES = 20;

/** Throws a sentence if the program cannot be started at all. What it writes goes to `logFile`. */
export async function startChild(program: string, args: readonly string[], logFile: string): Promise<Child> {
  const log = openSync(logFile, "a");
  // Detached: Ctrl-C in a terminal reaches this process only, which then ends its children in the right order.
  const spawned = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    spawned.once("spawn", resolve);
    spawned.once("error", (cause) => reject(new Error(`could not start ${program}: ${cause.message}`, { cause })));
  });
  const pid = spawned.pid as number; // known once spawned
  const forget = killWithUs(pid);
  let end: string | undefined;
  const ended = new Promise<string>((resolve) => {
    spawned.once("exit", (code, signal) => {
      forget();
      end = `${program} ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`;
      resolve(end);
    });
  });
  const hasEnded = (): boolean => end !== undefined;
  const signal = (name: NodeJS.Signals): void => void spawned.kill(name);
  const stop = (graceMs = STOP_GRACE_MS): Promise<void> => stopChild(signal, ended, graceMs);
  return { pid, ended, hasEnded, lastLines: () => lastLinesOf(logFile), signal, stop };
}

async function stopChild(signal: Child["signal"], ended: Promise<string>, graceMs: number): Promise<void> {
  const grace = new AbortController();
  const tooLate = delay(graceMs, undefined, { signal: grace.signal }).then(
    () => signal("SIGKILL"),
    () => undefined,
  );
  signal("SIGTERM");
  signal("SIGCONT"); // a paused process gets its SIGTERM only when it goes on
  await ended;
  grace.abort();
  await tooLate;
}

function lastLinesOf(logFile: string): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}

/** Settles when `isReady` says so; an `isReady` that throws is not ready yet. Throws `EndedEarly`, or after a minute an Error; then the child is gone. */
export async function untilReady(child: Child, name: string, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS);
  while (!(await isReady().catch(() => false))) {
    if (child.hasEnded()) throw new EndedEarly(`${name} ended before it was ready. Its last lines:\n${child.lastLines()}`);
    if (deadline.aborted) {
      await child.stop(0);
      throw new Error(`${name} was not ready within ${READY_DEADLINE_MS} ms. Its last lines:\n${child.lastLines()}`);
    }
    await delay(READY_POLL_MS);
  }
}

// Below the ports that Linux and macOS hand out to outgoing connections, which could otherwise take one between our look and its use.
const FIRST_PORT = 20_000;
const LAST_PORT = 32_700;

/** A TCP port of 127.0.0.1 on which nobody listens now. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST_PORT, LAST_PORT);
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}

const PORT_ATTEMPTS = 3;

/** Calls `start` with a free port, and with another one if somebody was faster. */
export async function onFreePort<T>(start: (port: number) => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await start(await freePort());
  } catch (error) {
    const isTaken = error instanceof EndedEarly && /address already in use/i.test(error.message);
    if (!isTaken || attempt >= PORT_ATTEMPTS) throw error;
    return onFreePort(start, attempt + 1);
  }
}
