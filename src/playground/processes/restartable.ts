/** A server process that can be stopped, started again on the same port with the same data, and paused. */
import type { Child } from "./child-process.ts";
import type { TemporaryFolder } from "./last-will.ts";

export interface ServerProcess {
  /** Nothing happens if it is stopped already. */
  stop(): Promise<void>;
  /** As `kill -9` does; it saves nothing. */
  kill(): Promise<void>;
  /** Settles when it is ready; nothing happens if it runs already. */
  start(): Promise<void>;
  /** It keeps its connections and answers nothing (SIGSTOP). */
  pause(): void;
  resume(): void;
  /** Asks a running one to read its configuration again (SIGHUP). */
  reload(): void;
  /** Stops it, and removes what it has written. */
  close(): Promise<void>;
}

/** `first` runs and is ready; `launch` starts another like it. */
export function createServerProcess(first: Child, launch: () => Promise<Child>, folder: TemporaryFolder): ServerProcess {
  let child = first;
  const stop = (): Promise<void> => child.stop();
  return {
    stop,
    kill: async () => {
      child.signal("SIGKILL");
      await child.ended;
    },
    start: async () => {
      if (child.hasEnded()) child = await launch();
    },
    pause: () => child.signal("SIGSTOP"),
    resume: () => child.signal("SIGCONT"),
    reload: () => child.signal("SIGHUP"),
    close: async () => {
      await stop();
      await folder.remove();
    },
  };
}

/** Runs `start` with a new folder, which goes again if that fails. */
export async function inFolder<T>(folder: TemporaryFolder, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await folder.remove();
    throw error;
  }
}
