/** A program for a test to kill: it starts child processes, says where they are, and then only waits. */
import { startChild } from "../../src/playground/processes/child-process.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import { startRedis } from "../../src/playground/processes/redis.ts";

const folder = createTemporaryFolder("weir-it's a test");
const child = await startChild("sleep", ["600"], `${folder.path}/sleep.log`);
const redis = await startRedis();
const paused = await startRedis();
paused.pause();
process.stdout.write(`${JSON.stringify({ folder: folder.path, pid: child.pid, ports: [redis.port, paused.port] })}\n`);
setInterval(() => undefined, 60_000);
