/** A person's command: one annotation, obeyed once, and only for the run that they saw (DESIGN §9.1). */
import { Verb } from "./status.ts";

/** Status remembers some ids: each is as long as a UUID needs, and a bit. */
const ID_LIMIT = 64;

export interface Command {
  readonly id: string;
  readonly verb: Verb;
  /** The run that the person saw. */
  readonly run: number;
  readonly actor: string;
  readonly reason?: string;
  /** `promote`: the weight of a step; `undo`: the number of a run. */
  readonly to?: number;
  /** `promote --full`. */
  readonly full?: boolean;
}

export type ParsedCommand =
  | { readonly kind: "command"; readonly command: Command }
  /** A verb typed by hand, to be stamped with id, run and actor first. */
  | { readonly kind: "bare"; readonly verb: Verb; readonly rest: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** The annotation's value; inverse of `parseCommand`. */
export function formatCommand(command: Command): string {
  const pairs = [
    ["id", command.id],
    ["run", String(command.run)],
    ["actor", command.actor],
    ...(command.reason ? [["reason", command.reason]] : []),
    ...(command.to === undefined ? [] : [["to", String(command.to)]]),
    ...(command.full ? [["full", "true"]] : []),
  ];
  return [command.verb, ...pairs.map(([key, value]) => `${key}=${encodeURIComponent(value!)}`)].join(" ");
}

export function parseCommand(text: string): ParsedCommand {
  const [word = "", ...words] = text.trim().split(/\s+/);
  const verb = Verb.safeParse(word);
  if (!verb.success) return { kind: "unreadable", message: `expected one of ${Verb.options.join(", ")} as the command, got ${quoted(word)}` };
  const pairs = pairsOf(words);
  if (!pairs) return { kind: "unreadable", message: `expected ${verb.data} followed by key=value pairs, got ${quoted(text)}` };
  if (!pairs.has("id")) return { kind: "bare", verb: verb.data, rest: words.join(" ") };
  return commandFrom(verb.data, pairs, text);
}

function commandFrom(verb: Verb, pairs: ReadonlyMap<string, string>, text: string): ParsedCommand {
  const run = Number(pairs.get("run"));
  const to = pairs.has("to") ? Number(pairs.get("to")) : undefined;
  if (!Number.isInteger(run) || run < 0) return { kind: "unreadable", message: `expected run=NUMBER in the command, got ${quoted(text)}` };
  if (to !== undefined && !Number.isInteger(to)) return { kind: "unreadable", message: `expected to=NUMBER in the command, got ${quoted(text)}` };
  const reason = pairs.get("reason");
  const command: Command = {
    id: pairs.get("id")!.slice(0, ID_LIMIT),
    verb,
    run,
    actor: pairs.get("actor") ?? "unverified",
    ...(reason ? { reason } : {}),
    ...(to === undefined ? {} : { to }),
    ...(pairs.get("full") === "true" ? { full: true } : {}),
  };
  return { kind: "command", command };
}

function pairsOf(words: readonly string[]): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const value = at > 0 ? decoded(word.slice(at + 1)) : undefined;
    if (value === undefined) return undefined;
    pairs.set(word.slice(0, at), value.slice(0, 1024));
  }
  return pairs;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** What people typed, shortened: an annotation may hold 256 KiB. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
