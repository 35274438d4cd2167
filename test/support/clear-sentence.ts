/** Whether a text is what bad input shall get: one clear sentence, and nothing of the machinery behind it. */

const MOST_CHARACTERS = 2_000;

const FLAWS: readonly (readonly [flaw: string, isThere: (text: string) => boolean])[] = [
  ["is empty", (text) => text.trim() === ""],
  ["has no end", (text) => text.length > MOST_CHARACTERS],
  ["has control characters or lines", (text) => /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)],
  ["does not say what was expected", (text) => !/\bexpected\b/.test(text)],
  ["does not say what came", (text) => !/, got\b|(?:, such as |; ).+/.test(text)],
  ["shows an error of the program", (text) => /\b(?:Type|Range|Reference|Syntax|Zod)Error\b|\bat [^ ]+ \(|\.[jt]s:\d+|\[object |\bundefined\b|Invalid input/.test(text)],
];

/** What is wrong with it; empty: nothing. */
export function flawsOfSentence(text: string): readonly string[] {
  return FLAWS.filter(([, isThere]) => isThere(text)).map(([flaw]) => `${flaw}: ${JSON.stringify(text.slice(0, 300))}`);
}
