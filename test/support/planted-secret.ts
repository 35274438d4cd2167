/** A secret value that is found again wherever it turns up, in whatever dress. */
import { randomBytes } from "node:crypto";

export interface PlantedSecret {
  readonly what: string;
  readonly value: string;
}

/** In no shape that a scrubber of logs would know. */
export function plantSecret(what: string): PlantedSecret {
  return { what, value: `planted-${what}-${randomBytes(9).toString("hex")}` };
}

/** Which of them a text shows, and how. */
export function secretsIn(text: string, planted: readonly PlantedSecret[]): readonly string[] {
  return planted.flatMap(({ what, value }) => dresses(value).filter(([, trace]) => text.includes(trace)).map(([dress]) => `${what} (${dress})`));
}

/** As it is, and in base64 wherever it begins within what was encoded (as in `user:password`). */
function dresses(value: string): readonly (readonly [dress: string, trace: string])[] {
  const encoded = [0, 1, 2].map((offset) => Buffer.from("\0".repeat(offset) + value).toString("base64").replace(/=+$/, "").slice(offset === 0 ? 0 : 4, -2));
  return [["plain", value], ["hex", Buffer.from(value).toString("hex")], ["reversed", [...value].reverse().join("")], ...encoded.map((trace) => ["base64", trace] as const)];
}
