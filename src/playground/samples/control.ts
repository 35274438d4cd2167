/** Turns samples from another terminal: a small HTTP endpoint on loopback, and how to call it. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { listenOnLoopback } from "../loopback.ts";
import type { Behaviour, SamplePods } from "./sample-pods.ts";

export const Turn = z.strictObject({
  app: z.string(),
  version: z.string(),
  /** 0 to 1. */
  errorRate: z.number().min(0).max(1).optional(),
  latencyMs: z.number().min(0).max(60_000).optional(),
});
export type Turn = z.infer<typeof Turn>;

export interface ControlAddress {
  readonly url: string;
  /** Known only to who may read the state folder. */
  readonly token: string;
}

export interface Control extends ControlAddress {
  close(): Promise<void>;
}

const mostBodyBytes = 10_000;

export async function createControl(samples: Pick<SamplePods, "turn" | "behaviours">): Promise<Control> {
  const token = randomBytes(16).toString("hex");
  const server = await listenOnLoopback((request, response) => void answer(samples, token, request, response));
  return { url: server.url, token, close: server.close };
}

/** Turns a sample of a running playground; throws a sentence that says why it could not. */
export async function turnSample({ url, token }: ControlAddress, turn: Turn): Promise<Behaviour> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(turn),
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Behaviour;
}

async function answer(samples: Pick<SamplePods, "turn" | "behaviours">, token: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const say = (code: number, text: string) => void response.writeHead(code).end(text);
  if (!isAuthorized(request, token)) return say(403, "This playground was started by somebody else: its token is in the state folder.");
  const turn = Turn.safeParse(parsed(await bodyOf(request)));
  if (!turn.success) return say(400, turn.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
  const { app, version, ...change } = turn.data;
  const known = Object.keys(samples.behaviours());
  if (!known.includes(`${app}/${version}`)) return say(404, `There is no sample ${app} ${version}; there are ${known.join(", ").replaceAll("/", " ")}.`);
  say(200, JSON.stringify(samples.turn(app, version, change)));
}

function isAuthorized({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(headers.authorization ?? "");
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= mostBodyBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
