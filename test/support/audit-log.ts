/** Reads the API server's audit log: what it was really asked, by whom. */
import { readFileSync } from "node:fs";

export interface AuditEntry {
  readonly id: string;
  readonly user: string;
  readonly userAgent: string;
  /** get, list, watch, create, update, patch, delete ... */
  readonly verb: string;
  readonly uri: string;
  /** Empty for paths that are not about resources. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The answer's HTTP status. */
  readonly status: number;
  /** When the request came; RFC 3339 with microseconds. */
  readonly at: string;
}

interface Line {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
}

/** One entry per answered request (a watch counts from its start), in the order in which they came. */
export function readAuditLog(file: string): readonly AuditEntry[] {
  const entries = new Map<string, AuditEntry>(); // a watch has two lines with one id: when it starts and when it ends
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const parsed = parseLine(line);
    if (parsed) entries.set(parsed.auditID, entryOf(parsed));
  }
  return [...entries.values()].sort((a, b) => (a.at < b.at ? -1 : 1));
}

/** Nothing for the empty line after the last one, and for one that is being written. */
function parseLine(line: string): Line | undefined {
  return line.endsWith("}") ? (JSON.parse(line) as Line) : undefined;
}

function entryOf(line: Line): AuditEntry {
  const { resource = "", subresource = "", namespace = "", name = "" } = line.objectRef ?? {};
  return {
    id: line.auditID,
    user: line.user.username,
    userAgent: line.userAgent ?? "",
    verb: line.verb,
    uri: line.requestURI,
    resource,
    subresource,
    namespace,
    name,
    status: line.responseStatus?.code ?? 0,
    at: line.requestReceivedTimestamp,
  };
}
