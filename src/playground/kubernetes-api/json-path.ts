/** The paths of printer columns: `.status.phase`, `.spec.hosts[0]`, `.status.conditions[?(@.type=="Ready")].status`. */
import { isObject, valueAt } from "./json.ts";

const TOKEN =
  /\.?\[\?\(@\.([\w.-]+)\s*==\s*(["'])(.*?)\2\)\]|\.?\[(\d+|\*)\]|\.?\[(["'])(.*?)\5\]|\.((?:[^.[\]\\]|\\.)+)/g;

/** All values at the path; an unknown notation finds none. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  const tokens = [...path.matchAll(TOKEN)];
  if (tokens.map(([token]) => token).join("") !== path) return [];
  return tokens.reduce<readonly unknown[]>((found, token) => found.flatMap((each) => step(each, token)), [value]);
}

function step(value: unknown, [, field, , text, index, , quoted, plain]: RegExpMatchArray): readonly unknown[] {
  if (field !== undefined) return listOf(value).filter((item) => valueAt(item, ...field.split(".")) === text);
  if (index === "*") return isObject(value) ? Object.values(value) : listOf(value);
  if (index !== undefined) return listOf(value).slice(Number(index), Number(index) + 1);
  const name = quoted ?? (plain ?? "").replaceAll("\\", "");
  return isObject(value) && name in value ? [value[name]] : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
