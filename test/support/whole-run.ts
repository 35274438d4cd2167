/** `npm test` plays the short form of what takes long; `npm test -- --whole`, as CI does, all of it. */
export const IS_WHOLE_RUN = process.env["WEIR_TEST_WHOLE"] === "true";

/** The last of these cases, which stands for the others; all of them in a whole run. */
export function shortened<Case>(cases: readonly Case[]): readonly Case[] {
  return IS_WHOLE_RUN ? cases : cases.slice(-1);
}
