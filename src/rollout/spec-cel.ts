/** Pieces of CEL that the rules of a spec are made of. */
import { celText, type Came, type Rule } from "./spec-rule.ts";

export const itself: Came<string> = { cel: "self", of: (text) => text };
export const itselfNumber: Came<number> = { cel: "string(self)", of: String };

export function matching(pattern: RegExp, sentence: string): Rule<string> {
  return {
    cel: matches("self", pattern),
    holds: (text) => pattern.test(text),
    sentence,
    ...(sentence.includes("{came}") && { came: [itself] }),
  };
}

export function matches(cel: string, pattern: RegExp): string {
  return `${cel}.matches(${celText(pattern.source)})`;
}

export function ms(cel: string): string {
  return `duration(${cel}).getMilliseconds()`;
}

/** The text at `path`, or its default where it or anything above it is absent. */
export function given(path: string, fallback: string): string {
  const parts = path.split(".");
  const present = parts.slice(1).map((_, at) => `has(${parts.slice(0, at + 2).join(".")})`);
  return `(${present.join(" && ")} ? ${path} : ${celText(fallback)})`;
}
