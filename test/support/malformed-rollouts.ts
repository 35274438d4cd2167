/** Rollouts that nobody should have written: seeded mutations of the examples, as objects and as texts. */
import { readdirSync, readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { createRandom, type Random } from "../../src/playground/random.ts";
import { lintRollout } from "../../src/rollout/lint.ts";

type Json = unknown;
export type Fields = Readonly<Record<string, Json>>;

export interface MalformedRollout {
  /** What was done to a good one. */
  readonly what: string;
  readonly object: Fields;
}

export interface MalformedText {
  readonly what: string;
  readonly text: string;
}

const EXAMPLES = ["test/support/whole-rollout.yaml", ...readdirSync("rollouts", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml")).map((file) => `rollouts/${file}`)];
const examples: readonly Fields[] = EXAMPLES.flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as Fields)).filter(({ kind }) => kind === "Rollout");

const nested = (depth: number, key: string): Json => Array.from({ length: depth }).reduce<Json>((inner) => ({ [key]: inner }), 1);
const nestedList = (depth: number): Json => Array.from({ length: depth }).reduce<Json>((inner) => [inner], 1);

const WRONG_TYPES: readonly Json[] = [null, true, false, 0, -1, 1.5, 1e308, -0, "", " ", "x", [], {}, [[]], [null], { a: 1 }, [{}], { toString: 1 }, { length: 3 }];

const HUGE: readonly Json[] = [
  "a".repeat(100_000), "a-".repeat(50_000), "a.".repeat(50_000), "$".repeat(50_000) + "(", "$(".repeat(20_000), "1m".repeat(5_000), " ".repeat(50_000), "🜁".repeat(20_000),
  2 ** 53, 1e21, -1e21, 5e-324, "9".repeat(400), `${"9".repeat(30)}h`, "99999999999999999999%", `1${"0".repeat(300)}x`,
  Array.from({ length: 2_000 }, (_, index) => index), Array.from({ length: 2_000 }, () => ({ weight: 10 })), Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, index])),
];

const UNICODE: readonly string[] = ["\u202Eevil", "v\u200B3", "\u0000", "v3\u0000", "\uD800", "\uDFFF\uD800", "é", "e\u0301", "ﬁ", "３", "Ⅷ", "𝓋3", "👩‍👩‍👧", "\uFEFFv3", "v3\n", "v3\r\nstatus: x", "\u2028", "\u0007", "١m", "10％", "v\u00a03", "\u001b[31mred"];

const HOSTILE: readonly string[] = [
  "$(", "$()", "$($(window))", "$(constructor)", "$(__proto__)", "$(canary.workload", "$(canary.__proto__)", "$$(window)", "{{ .Values.x }}", "{{", "${process.env.HOME}", "#{7*7}", "<%= 1 %>",
  '"}) or vector(1) #', 'up{a="$(canary.workload)"', "sum(up", "up)) or ((up", "\\$(window)\\", '$(window)"}[1m]', "`id`", "$(id)", "; DROP TABLE rollouts", "%s%n%x", "%(x)s", "<!channel> <script>alert(1)</script>", "*_~`>",
  "http://user:hunter2@host/", "javascript:alert(1)", "file:///etc/passwd", "http://[::1", "http://169.254.169.254/latest", "//host", "http://host:99999999/", "http://\u0000/", "gopher://x", "https://a/$(namespace)$(window)", "\n- injected: true", "!!js/function 'x'", "&a *a", "<<: *a",
];

const ODD_KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "on", "", " ", "a b", "weight ", "Weight", "wieght", "💥", "a".repeat(1_000), "$ref", "x-kubernetes-validations", "0", "length", "metadata"];

interface Place {
  readonly keys: readonly (string | number)[];
}

/** Every place of a value, its own among them. */
function placesIn(value: Json, keys: Place["keys"] = []): readonly Place["keys"][] {
  if (typeof value !== "object" || value === null) return [keys];
  return [keys, ...Object.entries(value).flatMap(([key, child]) => placesIn(child, [...keys, Array.isArray(value) ? Number(key) : key]))];
}

/** A copy with another value there; `undefined` takes it out. */
function withValue(value: Json, [key, ...rest]: Place["keys"], put: (before: Json) => Json): Json {
  if (key === undefined) return put(value);
  const copy: Record<string | number, Json> | Json[] = Array.isArray(value) ? [...(value as readonly Json[])] : { ...(value as Fields) };
  const child = withValue((value as Record<string | number, Json>)[key], rest, put);
  if (child === undefined) return Array.isArray(copy) ? copy.filter((_, index) => index !== key) : Object.fromEntries(Object.entries(copy).filter(([name]) => name !== String(key)));
  Object.defineProperty(copy, key, { value: child, enumerable: true, configurable: true, writable: true }); // even where the key is __proto__
  return copy;
}

interface Mutation {
  readonly kind: string;
  readonly put: (before: Json, random: Random) => Json;
}

const oneOf = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)]!;
const DEPTHS = [50, 300, 1_000];
const isFields = (value: Json): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

const MUTATIONS: readonly Mutation[] = [
  { kind: "the wrong type", put: (_, random) => oneOf(WRONG_TYPES, random) },
  { kind: "a huge value", put: (_, random) => oneOf(HUGE, random) },
  { kind: "odd characters", put: (before, random) => (random() < 0.5 && typeof before === "string" ? before + oneOf(UNICODE, random) : oneOf(UNICODE, random)) },
  { kind: "a hostile template", put: (before, random) => (random() < 0.5 && typeof before === "string" ? `${before}${oneOf(HOSTILE, random)}` : oneOf(HOSTILE, random)) },
  { kind: "deep nesting", put: (_, random) => (random() < 0.5 ? nested(oneOf(DEPTHS, random), oneOf(["spec", "a", "steps"], random)) : nestedList(oneOf(DEPTHS, random))) },
  { kind: "nothing there", put: () => undefined },
  { kind: "an odd key", put: (before, random) => (isFields(before) ? withValue(before, [oneOf(ODD_KEYS, random)], () => oneOf([...WRONG_TYPES, ...UNICODE], random)) : { [oneOf(ODD_KEYS, random)]: before }) },
  { kind: "everything twice", put: (before) => (Array.isArray(before) ? [...(before as readonly Json[]), ...(before as readonly Json[])] : [before, before]) },
];

/** Where templates are filled in, and what people read. */
const TEMPLATED = /^(?:query|title|url|channel|tenant|username|key|release|name)$/;

/** As many as asked for that `weir lint` finds fault with; the same for the same seed. */
export function malformedRollouts(seed: number, count: number): readonly MalformedRollout[] {
  const random = createRandom(seed);
  const found: MalformedRollout[] = [];
  while (found.length < count) {
    const one = mutated(oneOf(examples, random), random);
    if (!isFine(one.object)) found.push(one);
  }
  return found;
}

function mutated(example: Fields, random: Random): MalformedRollout {
  const mutation = oneOf(MUTATIONS, random);
  const places = placesIn(example["spec"], ["spec"]).filter((keys) => mutation.kind !== "a hostile template" || TEMPLATED.test(String(keys.at(-1))));
  const keys = oneOf(places, random);
  const object = withValue(example, keys, (before) => mutation.put(before, random)) as Fields;
  return { what: `${mutation.kind} at ${keys.join(".")}`, object };
}

/** What is taken out or doubled may have been optional. */
function isFine(object: Fields): boolean {
  return lintRollout(object).length === 0;
}

const bombs: readonly MalformedText[] = [
  { what: "lists 20,000 deep", text: `apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: ${"[".repeat(20_000)}` },
  { what: "lists 20,000 deep, closed", text: `apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: ${"[".repeat(20_000)}${"]".repeat(20_000)}` },
  { what: "mappings 5,000 deep", text: `apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: ${"{a: ".repeat(5_000)}1${"}".repeat(5_000)}` },
  { what: "JSON 50,000 deep", text: `{"apiVersion": "weir.dev/v1alpha1", "kind": "Rollout", "spec": ${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}` },
  { what: "an alias bomb", text: ["apiVersion: weir.dev/v1alpha1", "kind: Rollout", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]", ...Array.from({ length: 9 }, (_, index) => `a${index + 1}: &a${index + 1} [${Array.from({ length: 10 }, () => `*a${index}`).join(", ")}]`)].join("\n") },
  { what: "an alias to itself", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: &spec {release: v3, traffic: *spec}" },
  { what: "an alias to nothing", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: *nothing" },
  { what: "a merge of nothing", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: {<<: 1, release: v3}" },
  { what: "a foreign tag", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: !!js/function 'function () {}'" },
  { what: "keys that are mappings", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: {? {a: 1} : 1, ? [1] : 2}" },
  { what: "a kind that is a mapping", text: "apiVersion: {toString: 1}\nkind: Rollout\nspec: {}" },
  { what: "an apiVersion that is a mapping", text: "apiVersion: weir.dev/v1alpha1\nkind: {toString: 1, valueOf: 2}\nspec: {}" },
  { what: "a name that is a mapping", text: "apiVersion: weir.dev/v1alpha1\nkind: Rollout\nmetadata: {name: {toString: 1}}\nspec: {}" },
  { what: "items that are no list", text: "apiVersion: v1\nkind: RolloutList\nitems: {a: 1}" },
  { what: "items of everything", text: "apiVersion: weir.dev/v1alpha1\nkind: RolloutList\nitems: [1, null, x, [], {kind: Rollout}, {kind: {toString: 1}}]" },
  { what: "bytes that are no text", text: `apiVersion: weir.dev/v1alpha1\nkind: Rollout\u0000\uFFFE\u0001\u0002` },
  { what: "a prototype", text: '{"apiVersion": "weir.dev/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}, "__proto__": {"a": 1}, "spec": {"__proto__": {"release": "v3"}, "constructor": {"prototype": {}}}}' },
  { what: "a line of a million letters", text: `apiVersion: weir.dev/v1alpha1\nkind: Rollout\nspec: {release: ${"v".repeat(1_000_000)}}` },
  { what: "ten thousand documents", text: "kind: Rollout\n---\n".repeat(10_000) },
];

/** Files as editors, merges and enemies leave them. */
export function malformedTexts(seed: number, count: number): readonly MalformedText[] {
  const random = createRandom(seed);
  const texts = EXAMPLES.map((file) => readFileSync(file, "utf8"));
  return [...bombs, ...Array.from({ length: count - bombs.length }, () => tornText(oneOf(texts, random), random))];
}

const TEARS: readonly (readonly [what: string, tear: (text: string, at: number, random: Random) => string])[] = [
  ["cut off", (text, at) => text.slice(0, at)],
  ["a tab in it", (text, at) => `${text.slice(0, at)}\t${text.slice(at)}`],
  ["a letter too few", (text, at) => text.slice(0, at) + text.slice(at + 1)],
  ["a mark too many", (text, at, random) => text.slice(0, at) + oneOf([":", "-", "{", "}", "[", "]", "'", '"', "&a ", "*a ", "!x ", "|", ">", "%", "@", "`", "#", "? ", "\u0000", "\uD800", "---\n", "<<<<<<< HEAD\n"], random) + text.slice(at)],
  ["a part of it twice", (text, at) => text.slice(0, at) + text.slice(Math.max(0, at - 80))],
  ["lines in another order", (text, _, random) => text.split("\n").map((line) => ({ line, key: random() })).sort((one, other) => one.key - other.key).map(({ line }) => line).join("\n")],
];

function tornText(text: string, random: Random): MalformedText {
  const [what, tear] = oneOf(TEARS, random);
  const at = Math.floor(random() * text.length);
  return { what: `${what} at ${at}`, text: tear(text, at, random) };
}
