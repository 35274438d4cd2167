/** JSON merge patches (RFC 7386): what to send so that one value becomes another. */
import { isDeepStrictEqual } from "node:util";

type Json = Readonly<Record<string, unknown>>;

/** Fields that `to` lacks become null, lists are sent whole, and what is equal is left out. `undefined` counts as absent. */
export function mergePatch(from: Json, to: Json): Json {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return Object.fromEntries(names.flatMap((name) => fieldPatch(name, from[name], to[name])));
}

function fieldPatch(name: string, from: unknown, to: unknown): [string, unknown][] {
  if (to === undefined) return from === undefined ? [] : [[name, null]];
  if (isMapping(from) && isMapping(to)) {
    const inner = mergePatch(from, to);
    return Object.keys(inner).length === 0 ? [] : [[name, inner]];
  }
  return isDeepStrictEqual(from, to) ? [] : [[name, to]];
}

/** Paths in `sent` that `stored` lacks: `run.checks[0].query`. What merely differs is not among them. */
export function missingPaths(sent: unknown, stored: unknown, path = ""): readonly string[] {
  if (sent === undefined) return [];
  if (stored === undefined) return [path];
  if (Array.isArray(sent)) return sent.flatMap((item, index) => missingPaths(item, Array.isArray(stored) ? stored[index] : undefined, `${path}[${index}]`));
  if (!isMapping(sent)) return [];
  const under = isMapping(stored) ? stored : {};
  return Object.entries(sent).flatMap(([name, value]) => missingPaths(value, under[name], path === "" ? name : `${path}.${name}`));
}

function isMapping(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether there is anything at `run.checks.query`, in whatever item of a list. */
export function hasField(value: unknown, field: string): boolean {
  if (value === undefined || field === "") return value !== undefined;
  if (Array.isArray(value)) return value.some((item) => hasField(item, field));
  if (!isMapping(value)) return false;
  const [name = "", ...rest] = field.split(".");
  return hasField(value[name], rest.join("."));
}
