/** What `npm run soak -- ...` may be told. */
import { parseArgs } from "node:util";

export interface SoakArguments {
  readonly minutes: number;
  readonly rollouts: number;
  readonly seed: number;
  /** On a real control plane instead of the embedded API. */
  readonly real: boolean;
}

const LIMITS = { minutes: [0.1, 10_080], rollouts: [1, 2_000], seed: [0, 2 ** 31] } as const;
type Numeric = keyof typeof LIMITS;

/** Throws one sentence where something else was given. */
export function soakArguments(args: readonly string[]): SoakArguments {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ args: [...args], options: { minutes: text, rollouts: text, seed: text, real: { type: "boolean" } } });
  const number = (name: Numeric, otherwise: number): number => (values[name] === undefined ? otherwise : numberIn(name, values[name]));
  return { minutes: number("minutes", 5), rollouts: Math.floor(number("rollouts", 200)), seed: Math.floor(number("seed", 1)), real: values.real === true };
}

function numberIn(name: Numeric, given: string): number {
  const [least, most] = LIMITS[name];
  const value = given.trim() === "" ? Number.NaN : Number(given);
  if (!(value >= least && value <= most)) throw new Error(`--${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(given)}`);
  return value;
}
