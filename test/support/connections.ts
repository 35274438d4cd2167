/** Clients that open connections through a proxy of the mesh, as applications do that speak no HTTP of their own. */
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** The sample pods answer in chunks. */
const LAST_CHUNK = "\r\n0\r\n\r\n";

export interface Connection {
  /** Which version answers by it; it may be asked again and again. */
  version(): Promise<string>;
  close(): void;
}

/** `url` of the proxy; `to`: `HOST:PORT`. */
export async function openConnection(url: string, to: string): Promise<Connection> {
  const socket = await tunnel(url, to);
  return { version: () => versionBy(socket), close: () => void socket.destroy() };
}

/** A version for each of so many connections, one after the other; empty where nobody answered. */
export async function versionsOf(url: string, to: string, count: number): Promise<readonly string[]> {
  const versions: string[] = [];
  while (versions.length < count) {
    const connection = await openConnection(url, to);
    versions.push(await connection.version());
    connection.close();
  }
  return versions;
}

/** Greets so many times by TLS, one after the other. The sample pods speak none: where a connection went the mesh has counted. */
export async function greet(url: string, to: string, { serverName, count }: { readonly serverName: string; readonly count: number }): Promise<void> {
  for (let done = 0; done < count; done++) {
    const socket = await tunnel(url, to);
    const client = connectTls({ socket, servername: serverName });
    await new Promise<void>((resolve) => client.on("error", () => undefined).once("close", () => resolve()));
  }
}

function tunnel(url: string, to: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method: "CONNECT", path: to });
    asking.once("connect", (_answer: IncomingMessage, socket: Socket) => resolve(socket.on("error", () => undefined))).once("error", reject).end();
  });
}

function versionBy(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = (version: string): void => {
      socket.off("data", onData).off("close", onClose);
      resolve(version);
    };
    const onClose = (): void => done("");
    const onData = (data: Buffer): void => {
      text += data.toString("latin1");
      if (text.endsWith(LAST_CHUNK)) done(/^x-version: (.*)$/im.exec(text)?.[1]?.trim() ?? "");
    };
    socket.on("data", onData).once("close", onClose);
    socket.write("GET / HTTP/1.1\r\nhost: sample\r\n\r\n");
  });
}
