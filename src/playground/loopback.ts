/** HTTP servers on free loopback ports: how everything in the playground listens. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface LoopbackServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Settles when every connection is gone; requests under way are cut off. */
  close(): Promise<void>;
}

/** Connections that may wait while this process is busy; more are refused. */
const backlog = 4_096;

/** Listens on a free port of 127.0.0.1. Idle connections stay open: closing them would race with the next request on them. `tunnelled`: who asks by CONNECT, and is this server's no more. */
export async function listenOnLoopback(listener: RequestListener, tunnelled?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): Promise<LoopbackServer> {
  const server = createServer(listener);
  if (tunnelled) server.on("connect", tunnelled);
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ port: 0, host: "127.0.0.1", backlog }, resolve));
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
