/** Keep-alive agents with the connection's TLS material, rebuilt only when that material changes. */
import { createHash } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Connection, Credentials } from "./connection.ts";
import type { Time } from "./time.ts";

/** What one request needs besides its own parts. */
export interface Access {
  readonly agent: HttpAgent;
  readonly headers: Readonly<Record<string, string>>;
  readonly basic?: string;
}

export interface Agents {
  /** Calls share a bounded pool; each watch holds a connection of its own. */
  access(kind: "call" | "watch"): Promise<Access>;
  /** Asks the connection anew next time: the server did not accept what it said. */
  forget(): void;
  /** Ends the connections. */
  close(): void;
}

/** Reading certificate files for every request would cost more than the request. */
const CREDENTIALS_KEPT_MS = 10_000;
const MOST_CONNECTIONS = 32;
/** Below what API servers and load balancers allow an idle connection, so that we are the first to hang up. */
const IDLE_MS = 30_000;
/** A host that is gone without a word is noticed by the kernel about ten seconds after this. */
const PROBE_MS = 15_000;

interface Pool {
  readonly fingerprint: string;
  readonly call: HttpAgent;
  readonly watch: HttpAgent;
}

export function createAgents(connection: Connection, time: Time): Agents {
  let pool: Pool | undefined;
  let kept: { readonly credentials: Promise<Credentials>; readonly untilMs: number } | undefined;

  function credentials(): Promise<Credentials> {
    if (kept && time.nowMs() < kept.untilMs) return kept.credentials;
    const asked = connection.credentials();
    kept = { credentials: asked, untilMs: time.nowMs() + CREDENTIALS_KEPT_MS };
    asked.catch(forget);
    return asked;
  }

  function forget(): void {
    kept = undefined;
  }

  function poolOf(now: Credentials): Pool {
    const fingerprint = fingerprintOf(now);
    if (pool?.fingerprint !== fingerprint) pool = newPool(connection.server, now, fingerprint);
    return pool;
  }

  return {
    async access(kind) {
      const now = await credentials();
      return { agent: poolOf(now)[kind], headers: now.headers, ...(now.basic !== undefined && { basic: now.basic }) };
    },
    forget,
    close() {
      pool?.call.destroy();
      pool?.watch.destroy();
    },
  };
}

function newPool(server: string, credentials: Credentials, fingerprint: string): Pool {
  if (credentials.proxy) return { fingerprint, call: credentials.proxy, watch: credentials.proxy };
  const calls = { keepAlive: true, keepAliveMsecs: PROBE_MS, maxSockets: MOST_CONNECTIONS, timeout: IDLE_MS };
  const watches = { keepAlive: false };
  if (server.startsWith("http:")) return { fingerprint, call: new HttpAgent(calls), watch: new HttpAgent(watches) };
  const { tls } = credentials;
  return { fingerprint, call: new HttpsAgent({ ...tls, ...calls }), watch: new HttpsAgent({ ...tls, ...watches }) };
}

function fingerprintOf({ tls, proxy }: Credentials): string {
  const material = [tls.ca, tls.cert, tls.key, tls.rejectUnauthorized, tls.servername, proxy !== undefined];
  return createHash("sha256").update(material.map(String).join("\n")).digest("hex");
}
