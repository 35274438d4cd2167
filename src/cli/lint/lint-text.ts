/** `weir lint` of one text: every finding with its line. */
import { isOurs, lintRollout } from "../../rollout/lint.ts";
import { readManifests, type Manifest } from "./manifests.ts";

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Such as `spec.strategy.steps[0].weight`; empty for trouble with the text itself. */
  readonly path: string;
  /** One sentence: what was expected, what came, what to do. */
  readonly message: string;
}

/** Findings in the order of their lines. Manifests of other kinds are passed over, and so is a text that names none of ours. */
export function lintText(text: string, file: string): readonly Finding[] {
  if (!/weir\.dev|\bRollout\b/.test(text)) return [];
  return readManifests(text)
    .filter(({ object }) => object === undefined || isOurs(object))
    .flatMap((manifest) => findingsOf(manifest, file))
    .sort((one, other) => one.line - other.line);
}

function findingsOf({ object, flaws, lineOf }: Manifest, file: string): readonly Finding[] {
  const said = flaws.map(({ line, message }) => ({ file, line, path: "", message }));
  if (!isOurs(object)) return said;
  const problems = lintRollout(object).filter(({ keys }) => !isBooleanKey(keys.at(-1)));
  return [...said, ...problems.map(({ path, keys, message }) => ({ file, line: lineOf(keys), path, message }))];
}

/** Said already, as a key that YAML 1.1 reads as a boolean; no field of ours is called so. */
function isBooleanKey(key: string | number | undefined): boolean {
  return key === "true" || key === "false";
}
