/** One HTTP request and its answer, within a deadline. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Unreachable } from "./errors.ts";
import type { Access } from "./agents.ts";
import type { Time } from "./time.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How often the kernel probes a quiet connection for a host that is gone. */
const PROBE_MS = 15_000;

/** Node does not say it of a DELETE: then the server does not read the body, and takes it for the beginning of the next request. */
function lengthOf({ body }: HttpRequest): Readonly<Record<string, string>> {
  return body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
}

/** Settles with the head of the answer; any of the signals ends request and answer alike, at any time, with its reason as the error. */
export function openAnswer(request: HttpRequest, access: Access, signals: readonly AbortSignal[]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signals.forEach((signal) => signal.throwIfAborted());
    const begin = request.url.startsWith("https:") ? httpsRequest : httpRequest;
    const outgoing = begin(request.url, {
      method: request.method,
      headers: { ...lengthOf(request), ...request.headers, ...access.headers },
      agent: access.agent,
      ...(access.basic !== undefined && { auth: access.basic }),
    });
    let answer: IncomingMessage | undefined;
    const unlink = linked(signals, (reason) => void (answer ?? outgoing).destroy(reason));
    outgoing.on("error", reject);
    outgoing.on("close", unlink);
    outgoing.on("socket", (socket) => socket.setKeepAlive(true, PROBE_MS));
    outgoing.on("response", (response) => resolve((answer = response)));
    outgoing.end(request.body);
  });
}

/** Calls `end` when the first signal aborts, until unlinked. (`AbortSignal.any` leaks memory on Node 20 where one of them lives long.) */
function linked(signals: readonly AbortSignal[], end: (reason: Error) => void): () => void {
  const listen = (event: Event): void => end((event.target as AbortSignal).reason as Error);
  signals.forEach((signal) => signal.addEventListener("abort", listen));
  return () => signals.forEach((signal) => signal.removeEventListener("abort", listen));
}

/** The whole body as text; throws `Unreachable` (and hangs up) when it is larger than `mostBytes`. */
export async function bodyOf(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Unreachable(`the answer is larger than the ${mostBytes} bytes that are read of one`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Settles as `work` does, or rejects with `Unreachable` after `deadlineMs`; the signal that `work` gets aborts then. */
export function withDeadline<Result>(time: Time, deadlineMs: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    const cancel = time.after(deadlineMs, () => {
      const late = new Unreachable(`no answer within ${Math.round(deadlineMs)} ms`);
      controller.abort(late);
      reject(late);
    });
    void work(controller.signal).then(resolve, reject).finally(cancel);
  });
}
