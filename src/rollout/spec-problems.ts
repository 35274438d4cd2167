/** What a schema refused, as sentences: what was expected, what came, what to do. */
import type { z } from "zod";
import { printable } from "./printable.ts";

export type Path = readonly (string | number)[];

export interface Problem {
  /** As people write it: `spec.strategy.steps[0].weight`. */
  readonly path: string;
  /** The same as keys, for finding the place in a file. */
  readonly keys: Path;
  readonly message: string;
}

/** The longest name that Kubernetes itself gives to a field. */
const MOST_OF_A_KEY = 63;

/** One problem per issue; `root` is the name of the value that was parsed. */
export function problemsOf(error: z.ZodError, value: unknown, root: string): readonly Problem[] {
  return error.issues.map((issue) => {
    const keys = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
    return problem([root, ...keys], messageOf(issue, valueAt(value, keys)));
  });
}

export function problem(keys: Path, message: string): Problem {
  return { path: pathOf(keys), keys, message };
}

function pathOf(keys: Path): string {
  return keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${printable(key, MOST_OF_A_KEY)}`)).join("").replace(/^\./, "");
}

function valueAt(value: unknown, keys: Path): unknown {
  return keys.reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined), value);
}

function messageOf(issue: z.core.$ZodIssue, came: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return typeSentence(issue.expected, came);
    case "invalid_value":
      return `expected one of ${issue.values.map(String).join(", ")}, got ${shown(came)}; choose one of them`;
    case "too_small":
      return isNumber(issue.origin) ? `expected a number of at least ${issue.minimum}, got ${shown(came)}; write a larger one` : issue.message;
    case "too_big":
      if (isNumber(issue.origin)) return `expected a number of at most ${issue.maximum}, got ${shown(came)}; write a smaller one`;
      return issue.origin === "string"
        ? `expected at most ${issue.maximum} characters, got ${String(came).length}; shorten the text`
        : `expected at most ${issue.maximum} items, got ${Array.isArray(came) ? came.length : shown(came)}; take some out`;
    default:
      return issue.message;
  }
}

function isNumber(origin: string): boolean {
  return origin === "number" || origin === "int";
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of fields",
};

function typeSentence(expected: string, came: unknown): string {
  const kind = KINDS[expected] ?? expected;
  if (came === undefined) return `expected ${kind}, got nothing; this field is required`;
  return `expected ${kind}, got ${shown(came)}; ${adviceFor(expected, came)}`;
}

function adviceFor(expected: string, came: unknown): string {
  if (came === null) return "give it a value or take the line out (an unquoted # begins a comment)";
  if (expected === "string" && typeof came === "boolean") return "put the text in quotes, since on, off, yes, no, y, n, true and false are booleans to YAML 1.1";
  if (expected === "string" && typeof came === "number") return "add the unit (1m, 1%), or put a name made of digits in quotes";
  if (expected === "int" || expected === "number") return "write a plain number, without quotes, unit or percent sign";
  if (expected === "boolean") return "write it without quotes";
  if (expected === "array") return "begin each item with a dash";
  return "see kubectl explain rollout.spec --recursive";
}

export function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping of fields";
  return typeof value === "string" ? `the text ${printable(JSON.stringify(value.slice(0, 60)))}` : `${String(value)}`;
}
