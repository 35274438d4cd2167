/** Jobs of the simulation, on as many processes as there are cores. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, JobResult } from "./jobs.ts";

/** Does all jobs; each result is told as it comes. Throws where a process ends before its job has. */
export async function doAll(jobs: readonly Job[], processes: number, onResult: (result: JobResult) => void): Promise<void> {
  const waiting = [...jobs];
  await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, () => workThrough(waiting, onResult)));
}

async function workThrough(waiting: Job[], onResult: (result: JobResult) => void): Promise<void> {
  const child = fork(fileURLToPath(new URL("./crew-process.ts", import.meta.url)));
  try {
    for (let job = waiting.shift(); job; job = waiting.shift()) onResult(await doneBy(child, job));
  } finally {
    child.disconnect();
  }
}

function doneBy(child: ChildProcess, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const end = (code: number | null): void => reject(new Error(`a process of the simulation ended with ${code} at ${JSON.stringify(job)}`));
    child.once("exit", end);
    child.once("message", (result) => {
      child.off("exit", end);
      resolve(result as JobResult);
    });
    child.send(job);
  });
}
