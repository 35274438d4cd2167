/** Clients that open connections through a proxy of the mesh, as applications do that speak no HTTP of their own. */
import { connect as connectTls } from "node:tls";
import { askBy, openTunnel } from "../../src/playground/connections.ts";

export interface Connection {
  /** Which version answers by it, empty where nobody does; it may be asked again and again. */
  version(): Promise<string>;
  close(): void;
}

/** `url` of the proxy; `to`: `HOST:PORT`. */
export async function openConnection(url: string, to: string): Promise<Connection> {
  const socket = await openTunnel(url, to);
  return { version: async () => versionIn(await askBy(socket)), close: () => void socket.destroy() };
}

function versionIn(outcome: string): string {
  const [version = ""] = outcome.split(" ");
  return version === "-" ? "" : version;
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
    const socket = await openTunnel(url, to);
    const client = connectTls({ socket, servername: serverName });
    await new Promise<void>((resolve) => client.on("error", () => undefined).once("close", () => resolve()));
  }
}
