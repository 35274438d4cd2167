/** Stands between a daemon and its API server: keeps back answers, refuses, breaks watches off, and lets the server's clock seem wrong. */
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import path from "node:path";
import { Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { parse } from "yaml";
import { listenOnLoopback } from "../../src/playground/loopback.ts";
import { createTemporaryFolder } from "../../src/playground/processes/last-will.ts";
import type { ApiObject } from "./api-request.ts";
import type { TestApi } from "./kubernetes-apis.ts";

export interface ApiGate {
  /** Leads through the gate. */
  readonly kubeconfig: string;
  /** Settles at the first write that leaves an object like this on the server; nobody is ever told of that write, nor of those at the same time that follow it. */
  shutAfter(isChosen: (written: ApiObject) => boolean): Promise<void>;
  /**
   * The same, but what was kept back is told when the gate opens. Watches stand still meanwhile, and until the late write has
   * been answered (default: any one): whoever hears the answers then acts by what was known before.
   */
  delayAfter(isChosen: (written: ApiObject) => boolean, isLate?: (write: AnsweredWrite) => boolean): Promise<void>;
  /**
   * Settles at the first write for which a side is chosen: the server has not been asked yet (`before`), or has done it, and nobody is told (`after`).
   * Whatever is written after that is neither sent nor answered until the gate opens.
   */
  stopAt(sideOf: (asked: AskedWrite) => StopSide | undefined): Promise<AskedWrite>;
  /** The writes that came so far, as they were answered. */
  readonly writes: readonly AnsweredWrite[];
  /** What this names for a request is answered in the server's place, until the gate opens. */
  refuse(refusalOf: (asked: GateRequest) => Refusal | undefined): void;
  /** Every watch that goes on stands still, until the gate opens. */
  holdWatches(): void;
  /** Breaks off every watch that goes on. */
  cutWatches(): void;
  /** By the answers' `Date` and by the times of writes, the server's clock is so much further, until the gate opens. */
  shiftClock(byMs: number): void;
  /** Lets everything through again. */
  open(): void;
  close(): Promise<void>;
}

export type StopSide = "before" | "after";

export interface AskedWrite {
  readonly method: string;
  readonly path: string;
  /** Undefined: none, or one that is no JSON. */
  readonly body: unknown;
}

export interface AnsweredWrite {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface GateRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}

export interface Refusal {
  readonly status: number;
  /** A Status object's `reason`, such as `Conflict`. */
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** True: the server does what it was asked, and only its answer is another. */
  readonly isDone?: boolean;
}

interface Upstream {
  readonly url: string;
  readonly protocol: typeof http | typeof https;
  readonly agent: http.Agent;
}

type Fate = "told" | "lost" | "delayed";

interface Stop {
  readonly sideOf: (asked: AskedWrite) => StopSide | undefined;
  readonly stopped: (asked: AskedWrite) => void;
  isShut: boolean;
}

/** What the gate does now. */
interface Mood {
  /** What becomes of the answer to a write. */
  fateOf: (written: ApiObject) => Fate;
  /** Answers to be told when the gate opens. */
  readonly delayed: (() => void)[];
  /** Whose answer lets watches go on. */
  isLate: (write: AnsweredWrite) => boolean;
  refusalOf: (asked: GateRequest) => Refusal | undefined;
  /** Undefined: every write goes on. */
  stop: Stop | undefined;
  clockMs: number;
  readonly watches: Map<ServerResponse, IncomingMessage>;
  readonly writes: AnsweredWrite[];
}

export async function createApiGate(api: TestApi, user: string): Promise<ApiGate> {
  const { url, ca } = api.address;
  const isTls = url.startsWith("https:");
  const upstream: Upstream = { url, protocol: isTls ? https : http, agent: isTls ? new https.Agent({ keepAlive: true, ca }) : new http.Agent({ keepAlive: true }) };
  const mood: Mood = { fateOf: isTold, delayed: [], isLate: () => true, refusalOf: nothing, stop: undefined, clockMs: 0, watches: new Map(), writes: [] };
  const server = await listenOnLoopback((request, response) => receive(upstream, mood, request, response));
  const folder = createTemporaryFolder("weir-gate");
  return {
    kubeconfig: writeKubeconfig(path.join(folder.path, "kubeconfig"), api.kubeconfigFor(user), server.url),
    ...moodsOf(mood),
    close: async () => {
      await server.close();
      upstream.agent.destroy();
      await folder.remove();
    },
  };
}

function moodsOf(mood: Mood): Omit<ApiGate, "kubeconfig" | "close"> {
  const keepBack = (isChosen: (written: ApiObject) => boolean, fate: Fate): Promise<void> =>
    new Promise((resolve) => {
      let isShut = false;
      mood.fateOf = (written) => {
        const isFirst = !isShut && isChosen(written);
        isShut ||= isFirst;
        if (isFirst && fate === "delayed") mood.watches.forEach((watch) => watch.pause());
        if (isFirst) resolve();
        return isShut ? fate : "told";
      };
    });
  return {
    writes: mood.writes,
    shutAfter: (isChosen) => keepBack(isChosen, "lost"),
    delayAfter: (isChosen, isLate = () => true) => {
      mood.isLate = isLate;
      return keepBack(isChosen, "delayed");
    },
    stopAt: (sideOf) => new Promise((stopped) => (mood.stop = { sideOf, stopped, isShut: false })),
    refuse: (refusalOf) => void (mood.refusalOf = refusalOf),
    holdWatches: () => mood.watches.forEach((watch) => watch.pause()),
    cutWatches: () => mood.watches.forEach((_, response) => response.destroy()),
    shiftClock: (byMs) => void (mood.clockMs = byMs),
    open: () => {
      Object.assign(mood, { fateOf: isTold, refusalOf: nothing, stop: undefined, clockMs: 0 });
      // Watches go on with the next answer where one was kept back: whoever hears it acts by what was known before.
      if (mood.delayed.length === 0) mood.watches.forEach((watch) => watch.resume());
      for (const tell of mood.delayed.splice(0)) tell();
    },
  };
}

const isTold = (): Fate => "told";
const nothing = (): undefined => undefined;

function receive(upstream: Upstream, mood: Mood, request: IncomingMessage, response: ServerResponse): void {
  const refusal = mood.refusalOf({ method: request.method ?? "", path: request.url ?? "" });
  if (!refusal) return pass(upstream, mood, request, response);
  if (!refusal.isDone) return refuse(response, refusal);
  ask(upstream, request, response, (answer) => answer.resume().once("end", () => refuse(response, refusal)));
}

function refuse(response: ServerResponse, { status, reason, headers }: Refusal): void {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message: `${reason}, says the gate`, reason, code: status };
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Reads stream through; a write's answer is read first. */
function pass(upstream: Upstream, mood: Mood, request: IncomingMessage, response: ServerResponse): void {
  if (request.method === "GET") return read(upstream, mood, request, response);
  if (mood.stop) return void passUnlessStopped(upstream, mood, mood.stop, { request, response }).catch(() => response.destroy());
  send(upstream, mood, { request, response });
}

/** `whenDone`: in place of telling that it was done. */
function send(upstream: Upstream, mood: Mood, { request, response }: Exchange, body?: Buffer, whenDone?: () => void): void {
  ask(upstream, request, response, (answer) => {
    if (whenDone && (answer.statusCode ?? 502) < 300) return void answer.resume().once("end", whenDone);
    const write = { method: request.method ?? "", path: request.url ?? "", status: answer.statusCode ?? 502 };
    mood.writes.push(write);
    deliver(answer, response, mood, write).catch(() => response.destroy()); // either of the two has hung up
  }, body);
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What is stopped has no answer: whoever waits for one is about to be killed. */
async function passUnlessStopped(upstream: Upstream, mood: Mood, stop: Stop, { request, response }: Exchange): Promise<void> {
  const body = await buffer(request);
  const asked = { method: request.method ?? "", path: request.url ?? "", body: parsedBody(body) };
  if (stop.isShut) return;
  const side = stop.sideOf(asked);
  if (side !== "before") return send(upstream, mood, { request, response }, body, side === "after" ? () => shut(stop, asked) : undefined);
  shut(stop, asked);
}

function shut(stop: Stop, asked: AskedWrite): void {
  stop.isShut = true;
  stop.stopped(asked);
}

function parsedBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

function read(upstream: Upstream, mood: Mood, request: IncomingMessage, response: ServerResponse): void {
  const isWatch = /[?&]watch=(?:true|1)/.test(request.url ?? "");
  response.once("close", () => mood.watches.delete(response));
  ask(upstream, request, response, (answer) => {
    if (isWatch) mood.watches.set(response, answer);
    response.writeHead(answer.statusCode ?? 502, headersOf(answer, mood.clockMs)).flushHeaders(); // a watch may have nothing to say for long
    if (mood.clockMs === 0) answer.pipe(response);
    else answer.setEncoding("utf8").pipe(clockShift(mood.clockMs)).pipe(response);
  });
}

function ask({ url, protocol, agent }: Upstream, request: IncomingMessage, response: ServerResponse, onAnswer: (answer: IncomingMessage) => void, body?: Buffer): void {
  const { method, headers } = request;
  const onward = protocol.request(new URL(request.url ?? "/", url), { method, agent, headers: { ...headers, host: new URL(url).host } }, onAnswer);
  onward.once("error", () => response.destroy());
  response.once("close", () => onward.destroy());
  if (body) onward.end(body);
  else request.pipe(onward);
}

async function deliver(answer: IncomingMessage, response: ServerResponse, mood: Mood, write: AnsweredWrite): Promise<void> {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(answer, "end");
  const text = Buffer.concat(chunks).toString("utf8");
  const status = answer.statusCode ?? 502;
  const headers = { ...headersOf(answer, mood.clockMs), "content-type": answer.headers["content-type"] ?? "application/json" };
  const tell = (): void => void response.writeHead(status, headers).end(withClockShifted(text, mood.clockMs));
  const fate = status < 300 ? mood.fateOf(JSON.parse(text) as ApiObject) : "told";
  if (fate === "delayed") mood.delayed.push(tell);
  if (fate !== "told") return;
  tell();
  if (mood.isLate(write)) mood.watches.forEach((watch) => watch.resume());
}

/** A shifted body has another length than the one that the server told. */
function headersOf({ headers }: IncomingMessage, clockMs: number): http.OutgoingHttpHeaders {
  const { "content-length": _length, "transfer-encoding": _encoding, ...kept } = headers;
  return clockMs === 0 ? kept : { ...kept, date: new Date(Date.parse(headers.date ?? "") + clockMs).toUTCString() };
}

/** Only managedFields have a field of this name. */
const WRITTEN_AT = /"time":"(\d{4}-\d{2}-\d{2}T[\d:]{8}Z)"/g;

function withClockShifted(text: string, clockMs: number): string {
  return clockMs === 0 ? text : text.replaceAll(WRITTEN_AT, (_, time: string) => `"time":"${new Date(Date.parse(time) + clockMs).toISOString().slice(0, 19)}Z"`);
}

/** Passes on whole lines, so that no time is torn apart. */
function clockShift(clockMs: number): Transform {
  let rest = "";
  return new Transform({
    decodeStrings: false,
    transform(chunk: string, _encoding, done) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      done(null, lines.map((line) => `${withClockShifted(line, clockMs)}\n`).join(""));
    },
    flush: (done) => done(null, withClockShifted(rest, clockMs)),
  });
}

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string }[];
}

/** The user's own, with the gate in the server's place; JSON is YAML. */
function writeKubeconfig(file: string, original: string, server: string): string {
  const config = parse(readFileSync(original, "utf8")) as Kubeconfig;
  writeFileSync(file, JSON.stringify({ ...config, clusters: config.clusters.map(({ name }) => ({ name, cluster: { server } })) }), { mode: 0o600 });
  return file;
}
