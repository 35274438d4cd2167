/** What is wrong with a Rollout as somebody wrote it: all that the API server would refuse, and what it would drop without a word. */
import { QUERY_VARIABLES, substituteVariables, type QueryValues } from "./analysis/query-variables.ts";
import { crd, type Schema } from "./crd.ts";
import { nearNames } from "./near-names.ts";
import { printable } from "./printable.ts";
import { API_VERSION, GROUP, KIND } from "./rollout.ts";
import { RolloutSpec } from "./spec.ts";
import { problem, problemsOf, shown, type Path, type Problem } from "./spec-problems.ts";
import { isObjectName } from "./spec-rules.ts";

type Fields = Readonly<Record<string, unknown>>;

/** True for everything in our group, and for a `Rollout` of no group that we know: whoever wrote it meant us. */
export function isOurs(object: unknown): object is Fields {
  if (!isFields(object)) return false;
  const { apiVersion, kind } = object;
  const group = typeof apiVersion === "string" ? apiVersion.split("/")[0] : "";
  return group === GROUP || (kind === KIND && group !== "argoproj.io");
}

/** Problems of one object, in the order of its fields. */
export function lintRollout(object: Fields): readonly Problem[] {
  const parsed = RolloutSpec.safeParse(object["spec"]);
  return [
    ...lintKind(object),
    ...lintMetadata(object["metadata"]),
    ...unknownFields(rolloutSchema(), { ...object, status: {} }, []),
    ...(parsed.success ? lintQueries(parsed.data) : problemsOf(parsed.error, object["spec"], "spec")),
  ];
}

/** Where a variable stands in a query is more than a rule of the CRD can tell. */
function lintQueries({ analysis }: RolloutSpec): readonly Problem[] {
  return analysis.metrics.flatMap(({ query }, index) => {
    const substituted = query === undefined ? undefined : substituteVariables(query, A_VALUE_EACH);
    return substituted?.kind === "invalid" ? [problem(["spec", "analysis", "metrics", index, "query"], substituted.message)] : [];
  });
}

const A_VALUE_EACH = Object.fromEntries(QUERY_VARIABLES.map((name) => [name, ["1m"]])) as unknown as QueryValues;

function lintKind({ apiVersion, kind }: Fields): readonly Problem[] {
  const expected = { apiVersion: `${GROUP}/${API_VERSION}`, kind: KIND };
  return Object.entries({ apiVersion, kind })
    .filter(([field, came]) => came !== expected[field as keyof typeof expected])
    .map(([field, came]) => {
      const right = expected[field as keyof typeof expected];
      return problem([field], `expected ${right}, got ${shownPlain(came)}; write ${field}: ${right}`);
    });
}

function lintMetadata(metadata: unknown): readonly Problem[] {
  const name = isFields(metadata) ? (metadata["name"] ?? metadata["generateName"]) : undefined;
  if (name === undefined || name === null) return [problem(["metadata", "name"], "expected a name, got nothing; give the Rollout one")];
  const isName = typeof name === "string" && name.length <= 253 && isObjectName.holds(name.replace(/[-.]$/, "")); // a generateName may end so
  return isName ? [] : [problem(["metadata", "name"], isObjectName.sentence.replace("{came}", () => shownPlain(name)))];
}

function shownPlain(value: unknown): string {
  return typeof value === "string" ? printable(value) : shown(value);
}

/** The server prunes these without a word. */
function unknownFields(schema: Schema, value: unknown, keys: Path): readonly Problem[] {
  const { items } = schema;
  if (Array.isArray(value)) return items ? value.flatMap((item, index) => unknownFields(items, item, [...keys, index])) : [];
  const known = schema.properties;
  if (!known || !isFields(value)) return [];
  return Object.entries(value).flatMap(([name, child]) => {
    const field = known[name];
    return field ? unknownFields(field, child, [...keys, name]) : [problem([...keys, name], unknownSentence(name, Object.keys(known)))];
  });
}

function unknownSentence(name: string, known: readonly string[]): string {
  const [near] = nearNames(name, known);
  const advice = near === undefined ? "take it out, since the API server would drop it without a word" : `did you mean ${near}?`;
  return `expected one of the fields ${known.join(", ")}, got ${printable(name, 63)}; ${advice}`;
}

let known: Schema | undefined;

/** Made once: a directory may hold thousands of Rollouts. */
function rolloutSchema(): Schema {
  return (known ??= crd().spec.versions[0]!.schema.openAPIV3Schema);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
