/** The HTTP side: reads requests, lets faults happen, writes answers. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { printable } from "../../rollout/printable.ts";
import type { Answer, ApiCall } from "./api-call.ts";
import type { Fault, FaultList } from "./faults.ts";
import { recordOf, type AnsweredRequest } from "./request-record.ts";
import { textOf } from "./rendering.ts";
import { parseResourcePath } from "./resource-path.ts";
import { badRequest, internalError, StatusError, statusObject, tooLarge } from "./status-error.ts";

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly answer: (call: ApiCall) => Answer;
  readonly faults: FaultList;
  readonly onRequest: (request: AnsweredRequest) => void;
}

export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const server = http.createServer((request, response) => {
    response.on("error", () => response.destroy()); // the client went away
    handle(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, failure(error), {});
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(request: http.IncomingMessage, response: http.ServerResponse, options: HttpOptions): Promise<void> {
  const call = await callOf(request);
  const record = recordOf(call);
  const fault = options.faults.faultFor(record);
  await fault.hold;
  if (fault.cut === "before") {
    options.onRequest({ ...record, status: 0 });
    response.destroy();
    return;
  }
  const answer = fault.answer ? refusal(fault.answer) : answered(call, options);
  if (fault.cut === "after") {
    options.onRequest({ ...record, status: 0 });
    response.destroy();
    return;
  }
  options.onRequest({ ...record, status: "stream" in answer ? 200 : answer.status });
  if ("stream" in answer) answer.stream(response);
  else send(response, answer, fault.answer?.headers ?? {});
}

type Plain = Exclude<Answer, { readonly stream: unknown }>;

function answered(call: ApiCall, { answer }: HttpOptions): Answer {
  try {
    return answer(call);
  } catch (error) {
    return failure(error);
  }
}

/** Every answer but a success is a Status with one sentence. */
function failure(error: unknown): Plain {
  const refused = error instanceof StatusError ? error : error instanceof RangeError ? TOO_DEEP : internalError(error);
  return { status: refused.status, body: statusObject(refused) };
}

/** The stack ends before the object does. */
const TOO_DEEP = badRequest("couldn't get version/kind; json parse error: exceeded max depth");

function refusal({ status, reason = "InternalError", message = "a fault that a test asked for" }: NonNullable<Fault["answer"]>): Plain {
  return { status, body: statusObject(new StatusError(status, reason, message)) };
}

function send(response: http.ServerResponse, answer: Plain, headers: Readonly<Record<string, string>>): void {
  const contentType = answer.contentType ?? "application/json";
  const text = textOf(answer.body, contentType);
  const warnings = warningHeaders(answer.warnings ?? []);
  if (warnings.length > 0) response.setHeader("warning", warnings);
  response.writeHead(answer.status, {
    ...headers,
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-cache, private",
  });
  response.end(text);
}

/** The server says no more than this in warnings: clients take headers up to a size. */
const MOST_WARNING_BYTES = 4_096;

/** A header carries bytes: those of the text in UTF-8, without control characters. */
function warningHeaders(warnings: readonly string[]): readonly string[] {
  const headers = warnings.map((warning) => Buffer.from(`299 - ${JSON.stringify(printable(warning))}`, "utf8").toString("latin1"));
  let bytes = 0;
  return headers.filter(({ length }) => (bytes += length) <= MOST_WARNING_BYTES);
}

async function callOf(request: http.IncomingMessage): Promise<ApiCall> {
  const { path, query, target } = addressOf(request.url ?? "/");
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(", ")]));
  return {
    method: request.method ?? "GET",
    path,
    query,
    headers,
    body: (await bodyOf(request)).toString(headers["content-type"]?.includes("protobuf") ? "latin1" : "utf8"), // bytes stay bytes
    user: /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "admin", // kubectl keeps tokens to itself over plain HTTP
    ...(target && { target }),
  };
}

function addressOf(url: string): Pick<ApiCall, "path" | "query" | "target"> {
  try {
    const [path = "", query = ""] = url.split(/\?(.*)/s);
    const target = parseResourcePath(path);
    return { path, query: new URLSearchParams(query), ...(target && { target }) };
  } catch {
    throw badRequest(`expected a path that can be decoded, got ${url}`);
  }
}

const LARGEST_BODY = 3 * 1024 * 1024;

/** Throws 413 once all of a body that is too large has come: who sends does not read before. */
async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= LARGEST_BODY) chunks.push(chunk);
  }
  if (size > LARGEST_BODY) throw tooLarge(`limit is ${LARGEST_BODY}`);
  return Buffer.concat(chunks);
}
