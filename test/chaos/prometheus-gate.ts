/** Stands between daemons and their Prometheus, and answers as badly as a test tells it to. */
import { once } from "node:events";
import { request as sendRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../../src/playground/loopback.ts";

/** How a question is answered: `ask` brings the real answer, for the question as it came or for another form of it. */
export type Answering = (question: Question, response: ServerResponse) => void | Promise<void>;

export interface Question {
  readonly form: URLSearchParams;
  ask(form?: URLSearchParams): Promise<{ readonly status: number; readonly text: string }>;
}

export interface PrometheusGate {
  readonly url: string;
  /** From now on; nothing: as the real one answers. */
  answer(how?: Answering): void;
  /** Leads to another Prometheus from now on. */
  leadTo(url: string): void;
  /** Questions that came so far. */
  asked(): number;
  close(): Promise<void>;
}

export async function createPrometheusGate(url: string): Promise<PrometheusGate> {
  const state = { upstream: url, answer: honestly, asked: 0 };
  const server = await listenOnLoopback((request, response) => {
    state.asked += 1;
    void receive(state.upstream, state.answer, request, response).catch(() => response.destroy());
  });
  return {
    url: server.url,
    answer: (how = honestly) => void (state.answer = how),
    leadTo: (another) => void (state.upstream = another),
    asked: () => state.asked,
    close: () => server.close(),
  };
}

const honestly: Answering = async ({ ask }, response) => {
  const { status, text } = await ask();
  response.writeHead(status, { "content-type": "application/json" }).end(text);
};

async function receive(upstream: string, answer: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = new URLSearchParams(await textOf(request));
  const ask: Question["ask"] = (asked = form) => askUpstream(new URL(request.url ?? "/", upstream), asked);
  await answer({ form, ask }, response);
}

async function askUpstream(url: URL, form: URLSearchParams): Promise<{ readonly status: number; readonly text: string }> {
  const onward = sendRequest(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } }).end(form.toString());
  const [answer] = (await once(onward, "response")) as [IncomingMessage];
  return { status: answer.statusCode ?? 502, text: await textOf(answer) };
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export const hanging: Answering = () => undefined;

/** The head at once, and then a byte now and then, for ever. */
export const dripping: Answering = (_question, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  const drip = setInterval(() => response.write(" "), 100);
  response.once("close", () => clearInterval(drip));
};

export const failing: Answering = (_question, response) => void response.writeHead(500).end("out of order");

export const inHtml: Answering = (_question, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html><body>Please log in</body></html>");

/** Every number of the real answer is this one. */
export const always = (value: "NaN" | "+Inf"): Answering => async ({ ask }, response) => {
  const { status, text } = await ask();
  const numbers = /("value":\[[\d.]+,)"[^"]*"/g;
  response.writeHead(status, { "content-type": "application/json" }).end(text.replaceAll(numbers, `$1"${value}"`));
};

/** As everything stood at an instant, whatever is asked for later. */
export const frozenAt = (instantMs: number): Answering => async ({ form, ask }, response) => {
  const asked = new URLSearchParams(form);
  asked.set("time", String(Math.min(Number(form.get("time")), instantMs / 1_000)));
  const { status, text } = await ask(asked);
  response.writeHead(status, { "content-type": "application/json" }).end(text);
};
