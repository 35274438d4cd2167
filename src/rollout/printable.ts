/** What people wrote, as it may stand in a sentence: on one line, and not without end. */

/** Control and format characters (a terminal would obey them), lone surrogates, and what breaks a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The longest text that the spec takes where sentences show it. */
const MOST_SHOWN = 253;

/** Each unprintable character as `\u{...}`; what is longer ends in an ellipsis. */
export function printable(text: string, most = MOST_SHOWN): string {
  const cut = text.length > most ? `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, "")}…` : text;
  return cut.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
