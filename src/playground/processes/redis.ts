/** Starts a real redis-server on a free port of 127.0.0.1. */
import { connect } from "node:net";
import path from "node:path";
import { serverPrograms } from "../../config.ts";
import { onFreePort, startChild, untilReady, type Child } from "./child-process.ts";
import { createTemporaryFolder } from "./last-will.ts";
import { createServerProcess, inFolder, type ServerProcess } from "./restartable.ts";

export interface RedisOptions {
  /** Keeps its data over `stop` and `start` (append-only file). Default false. */
  readonly durable?: boolean;
}

export interface RedisServer extends ServerProcess {
  readonly port: number;
  /** `redis://127.0.0.1:port` */
  readonly url: string;
}

const PROBE_TIMEOUT_MS = 1_000;

/** Throws a sentence if the program is not there or does not become ready. */
export async function startRedis({ durable = false }: RedisOptions = {}): Promise<RedisServer> {
  const folder = createTemporaryFolder("weir-redis");
  return inFolder(folder, () =>
    onFreePort(async (port) => {
      const launch = (): Promise<Child> => launchRedis(port, folder.path, durable);
      return { ...createServerProcess(await launch(), launch, folder), port, url: `redis://127.0.0.1:${port}` };
    }),
  );
}

async function launchRedis(port: number, folder: string, durable: boolean): Promise<Child> {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: durable ? "yes" : "no",
    "maxmemory-policy": "noeviction", // BullMQ needs it
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = await startChild(serverPrograms().redis, args, path.join(folder, `redis-${port}.log`));
  await untilReady(child, "redis-server", async () => (await ask(port, "PING\r\n")).startsWith("+PONG"));
  return child;
}

/** The first thing that it answers. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
    socket.once("data", (answer) => {
      resolve(answer.toString());
      socket.destroy();
    });
    socket.write(command);
  });
}
