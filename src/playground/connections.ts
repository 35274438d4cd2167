/** Clients that open a connection through a proxy of the mesh, as applications do that speak no HTTP of their own. */
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createArrivals, type Load, type Pace } from "./arrivals.ts";

/** The sample pods answer in chunks. */
const LAST_CHUNK = "\r\n0\r\n\r\n";

/** Each client asks once by a connection of its own, and hangs up. `url` of the proxy; `to`: `HOST:PORT`. */
export function createConnections(options: Pace & { readonly url: string; readonly to: string }): Load {
  const open = new Set<Socket>();
  const send = async (): Promise<string> => {
    const socket = await openTunnel(options.url, options.to).catch(() => undefined);
    if (!socket) return NO_ANSWER;
    open.add(socket);
    const outcome = await askBy(socket);
    socket.destroy();
    open.delete(socket);
    return outcome;
  };
  return createArrivals(options, send, () => open.forEach((socket) => socket.destroy()));
}

/** Whoever ends it early is no error of its own: it closes. */
export function openTunnel(url: string, to: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: "CONNECT", path: to });
    asking.once("connect", (_answer: IncomingMessage, socket: Socket) => resolve(socket.on("error", () => undefined))).once("error", reject).end();
  });
}

const NO_ANSWER = "- 0";

/** Who answers by it, and how: `v1 200`. It may be asked again. */
export function askBy(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = (outcome: string): void => {
      socket.off("data", onData).off("close", onClose);
      resolve(outcome);
    };
    const onClose = (): void => done(NO_ANSWER);
    const onData = (data: Buffer): void => {
      text += data.toString("latin1");
      if (text.endsWith(LAST_CHUNK)) done(outcomeIn(text));
    };
    socket.on("data", onData).once("close", onClose);
    socket.write("GET / HTTP/1.1\r\nhost: sample\r\n\r\n");
  });
}

function outcomeIn(text: string): string {
  const [, code = "0"] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? [];
  const [, version = "-"] = /^x-version: *(\S+)/im.exec(text) ?? [];
  return `${version} ${code}`;
}
