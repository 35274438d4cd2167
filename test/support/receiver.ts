/** A loopback HTTP receiver that behaves as a test says and remembers what it got. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Behaviour = (request: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  behave: Behaviour;
  close(): Promise<void>;
}

/** On a port of its own, or on one where one has been before. */
export async function startReceiver(behave: Behaviour, port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => void respond(request, response));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const receiver: Receiver = {
    received,
    behave,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return receiver;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString("utf8") };
    received.push(one);
    receiver.behave(one, response);
  }
}

export const answering = (status: number, body = "", headers: Readonly<Record<string, string>> = {}): Behaviour => (_request, response) => {
  response.writeHead(status, headers).end(body);
};

/** As Slack's Web API does: every answer is a 200, the message's channel and time are in it. */
export function likeSlack(): Behaviour {
  let count = 0;
  return (_request, response) => {
    count += 1;
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ok: true, channel: "C1", ts: `17.${count}` }));
  };
}

export const saying = (error: string): Behaviour => answering(200, JSON.stringify({ ok: false, error }), { "content-type": "application/json" });
