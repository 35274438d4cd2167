/** Connections through a proxy: whoever asks by CONNECT is led to a pod of the destination that tls and tcp routes name, and stays there until one of the two ends it. */
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Endpoint } from "./endpoint.ts";
import type { OpenedConnection } from "./istio-metrics.ts";
import type { PodsTarget, RoutingTable, Target } from "./routing-table.ts";
import type { Sender } from "./http-match.ts";
import { serverNameIn } from "./server-name.ts";
import type { Tally } from "./tally.ts";

export interface TunnelsOptions {
  readonly table: () => RoutingTable;
  readonly sender: Sender;
  /** In [0, 1). */
  readonly random: () => number;
  /** One of the target's ready pods. */
  readonly pick: (target: PodsTarget) => Endpoint | undefined;
  readonly tally: Tally;
  /** Returns how to say that it is over. */
  readonly opened: (connection: OpenedConnection) => () => void;
}

export interface Tunnels {
  /** As Node's http server calls it for CONNECT. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Breaks off all that are open. */
  close(): void;
}

export function createTunnels(options: TunnelsOptions): Tunnels {
  const sockets = new Set<Duplex>();
  const kept = (socket: Duplex): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(socket));
  };
  return {
    open(request, socket, head) {
      kept(socket);
      const asked = `tcp://${request.url ?? ""}`;
      if (!URL.canParse(asked)) return void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
      const { hostname: host, port } = new URL(asked);
      const lead = (first: Buffer, serverName?: string): void => leadTo(options, { host, port: Number(port), serverName }, { socket, first, kept });
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      if (!options.table().readsServerName(host, options.sender)) return lead(head);
      if (head.length > 0) return lead(head, serverNameIn(head));
      socket.once("data", (first: Buffer) => lead(first, serverNameIn(first)));
    },
    close: () => sockets.forEach((socket) => socket.destroy()),
  };
}

interface Asked {
  readonly host: string;
  readonly port: number;
  readonly serverName: string | undefined;
}

interface Client {
  readonly socket: Duplex;
  /** What it has said already. */
  readonly first: Buffer;
  readonly kept: (socket: Duplex) => void;
}

const UNREACHED = 503;

function leadTo({ table, sender, random, pick, tally, opened }: TunnelsOptions, asked: Asked, { socket, first, kept }: Client): void {
  const target = table().connectionTo(asked, sender, random());
  const endpoint = target.kind === "pods" ? pick(target) : undefined;
  const finish = tally.add(target.service, endpoint);
  const closed = opened({ service: target.service, host: asked.host, endpoint, flags: flagsOf(target, endpoint) });
  if (!endpoint) {
    finish(UNREACHED);
    closed();
    return void socket.destroy();
  }
  const upstream = connect({ host: "127.0.0.1", port: endpoint.port });
  kept(upstream);
  let code = UNREACHED;
  upstream.once("connect", () => (code = 200)).once("close", () => {
    finish(code);
    closed();
    socket.destroy();
  });
  socket.once("close", () => upstream.destroy());
  upstream.write(first);
  socket.pipe(upstream).pipe(socket);
}

/** As Envoy tells it: no healthy pod, or no route. */
function flagsOf(target: Target, endpoint: Endpoint | undefined): string {
  if (endpoint) return "-";
  return target.kind === "pods" ? "UH" : target.flags;
}
