/** The rules (`x-kubernetes-validations`) of a CustomResourceDefinition's schema, evaluated as the real server does. */
import { Environment, Optional } from "@marcbachmann/cel-js";
import { isObject, isSame, type JsonObject } from "./json.ts";
import { fieldSchema, type CelRule, type Schema } from "./schema.ts";
import type { Cause } from "./status-error.ts";

const common = new Environment({
  unlistedVariablesAreDyn: false,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 100_000, maxDepth: 1_000, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
})
  .registerVariable("self", "dyn")
  .registerFunction("string.replace(string, string): string", (text: string, old: string, fresh: string) => text.replaceAll(old, fresh))
  .registerFunction("string.find(string): string", (text: string, pattern: string) => new RegExp(pattern, "u").exec(text)?.[0] ?? "")
  .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) => text.match(new RegExp(pattern, "gu")) ?? [])
  .registerFunction("list.isSorted(): bool", (items: readonly Comparable[]) => items.every((item, index) => index === 0 || items[index - 1]! <= item))
  .registerFunction("list.sum(): dyn", (items: readonly (number | bigint)[]) => items.reduce<number | bigint>(plus, typeof items[0] === "number" ? 0 : 0n))
  .registerFunction("list.min(): dyn", (items: readonly Comparable[]) => items.reduce((least, item) => (item < least ? item : least)))
  .registerFunction("list.max(): dyn", (items: readonly Comparable[]) => items.reduce((most, item) => (item > most ? item : most)))
  .registerFunction("string.format(list): string", (template: string, values: readonly unknown[]) => formatted(template, values))
  .registerFunction("isURL(string): bool", (text: string) => URL.canParse(text));

type Comparable = number | bigint | string;

function plus(one: number | bigint, other: number | bigint): number | bigint {
  return typeof one === "bigint" && typeof other === "bigint" ? one + other : Number(one) + Number(other);
}

/** `%s` and `%d`; a list is written as CEL does. */
function formatted(template: string, values: readonly unknown[]): string {
  const left = [...values];
  return template.replace(/%[sd%]/g, (verb) => (verb === "%%" ? "%" : textOf(left.shift())));
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(textOf).join(", ")}]` : String(value);
}

/** What `oldSelf` is, a rule says itself: the old value, or an optional one. */
const environments = {
  plain: common.clone().registerVariable("oldSelf", "dyn"),
  optional: common.clone().registerVariable("oldSelf", "optional"),
};

function environmentOf({ optionalOldSelf = false }: CelRule): Environment {
  return optionalOldSelf ? environments.optional : environments.plain;
}

type Program = ReturnType<Environment["parse"]>;
const programs = new Map<Environment, Map<string, Program>>([
  [environments.plain, new Map()],
  [environments.optional, new Map()],
]);

function programOf(expression: string, rule: CelRule): Program {
  const environment = environmentOf(rule);
  const program = programs.get(environment)?.get(expression) ?? environment.parse(expression);
  programs.get(environment)?.set(expression, program);
  return program;
}

/** What is wrong with the rules themselves, for each one that does not parse or type-check. */
export function ruleErrors(schema: Schema, path: string): readonly Cause[] {
  const rules = schema["x-kubernetes-validations"] ?? [];
  const own = rules.flatMap((rule, index) => expressionErrors(rule, `${path}.x-kubernetes-validations[${index}]`));
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => ruleErrors(field, `${path}.properties[${name}]`));
  const items = schema.items ? ruleErrors(schema.items, `${path}.items`) : [];
  const rest = isObject(schema.additionalProperties) ? ruleErrors(schema.additionalProperties, `${path}.additionalProperties`) : [];
  return [...own, ...below, ...items, ...rest];
}

function expressionErrors(given: CelRule, path: string): readonly Cause[] {
  const { rule, messageExpression } = given;
  const expressions = { rule, ...(messageExpression !== undefined && { messageExpression }) };
  return Object.entries(expressions).flatMap(([field, expression]) => {
    const checked = environmentOf(given).check(expression);
    if (checked.valid) return [];
    const message = `Invalid value: ${JSON.stringify(expression)}: compilation failed: ${checked.error?.message ?? ""}`;
    return [{ reason: "FieldValueInvalid", message, field: `${path}.${field}` }];
  });
}

export function hasRules(schema: Schema): boolean {
  const inner = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return (schema["x-kubernetes-validations"] ?? []).length > 0 || inner.some((each) => isObject(each) && hasRules(each));
}

interface Place {
  readonly value: unknown;
  /** The value that it replaces, where one can be told. */
  readonly old: unknown;
  readonly schema: Schema;
  readonly path: string;
}

/** What rules say against the object; `old` is the object that it replaces. */
export function ruleCauses(value: JsonObject, old: JsonObject | undefined, schema: Schema): readonly Cause[] {
  return causesAt({ value, old, schema, path: "" });
}

function causesAt(place: Place): readonly Cause[] {
  const own = (place.schema["x-kubernetes-validations"] ?? []).flatMap((rule) => causesOfRule(rule, place));
  return [...own, ...placesBelow(place).flatMap(causesAt)];
}

function placesBelow({ value, old, schema, path }: Place): readonly Place[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item: unknown, index) => ({ value: item, old: correlated(item, old, schema), schema: items, path: `${path}[${index}]` })) : [];
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const known = fieldSchema(schema, name);
    const before = isObject(old) ? old[name] : undefined;
    return known && field !== null ? [{ value: field, old: before, schema: known, path: path === "" ? name : `${path}.${name}` }] : [];
  });
}

/** Items of lists can be told apart by their keys only. */
function correlated(item: unknown, old: unknown, schema: Schema): unknown {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (!keys || !isObject(item) || !Array.isArray(old)) return undefined;
  return old.find((other) => isObject(other) && keys.every((key) => other[key] === item[key]));
}

function causesOfRule(rule: CelRule, place: Place): readonly Cause[] {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  if (usesOld && place.old === undefined && !rule.optionalOldSelf) return [];
  if (!usesOld && place.old !== undefined && isSame(place.value, place.old)) return []; // what was stored stays, also under new rules
  const variables = variablesFor(rule, place);
  try {
    return programOf(rule.rule, rule)(variables) === true ? [] : [violation(rule, place, messageOf(rule, variables))];
  } catch (error) {
    const message = `${error instanceof Error ? error.message.split("\n")[0] : String(error)} evaluating rule: ${rule.message ?? rule.rule}`;
    const field = place.path === "" ? "<nil>" : place.path;
    return [{ reason: "FieldValueInvalid", message: `Invalid value: "${typeof place.value}": ${message}`, field }];
  }
}

function variablesFor(rule: CelRule, { value, old, schema }: Place): { self: unknown; oldSelf?: unknown } {
  const self = celValue(value, schema);
  const before = old === undefined ? undefined : celValue(old, schema);
  if (rule.optionalOldSelf) return { self, oldSelf: before === undefined ? Optional.none() : Optional.of(before) };
  return before === undefined ? { self } : { self, oldSelf: before };
}

function messageOf(rule: CelRule, variables: { self: unknown; oldSelf?: unknown }): string {
  const fallback = rule.message ?? `failed rule: ${rule.rule}`;
  if (rule.messageExpression === undefined) return fallback;
  try {
    const message: unknown = programOf(rule.messageExpression, rule)(variables);
    return typeof message === "string" && message.trim() !== "" && !message.includes("\n") ? message : fallback;
  } catch {
    return fallback; // as the real server: a message that cannot be made does not hide the violation
  }
}

function violation({ reason = "FieldValueInvalid", fieldPath = "" }: CelRule, { value, path }: Place, message: string): Cause {
  const field = path === "" ? fieldPath.replace(/^\./, "") : `${path}${fieldPath}`;
  return { reason, message: `${prefixFor(reason, value)}${message}`, field: field === "" ? "<nil>" : field };
}

function prefixFor(reason: string, value: unknown): string {
  if (reason === "FieldValueForbidden") return "Forbidden: ";
  if (reason === "FieldValueRequired") return "Required value: ";
  if (reason === "FieldValueDuplicate") return `Duplicate value: ${JSON.stringify(value)}: `;
  return isObject(value) || Array.isArray(value) ? "Invalid value: " : `Invalid value: ${JSON.stringify(value)}: `;
}

/** Whole numbers are `int`; fields of objects have the names that CEL can say. */
function celValue(value: unknown, schema: Schema): unknown {
  if (typeof value === "number") return isInteger(value, schema) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema.items ?? {}));
  if (!isObject(value)) return value;
  const isMap = isObject(schema.additionalProperties);
  const fields = Object.entries(value).map(([name, field]) => [isMap ? name : celName(name), celValue(field, fieldSchema(schema, name) ?? {})]);
  return Object.fromEntries(fields);
}

function isInteger(value: number, schema: Schema): boolean {
  return Number.isInteger(value) && (schema.type === "integer" || schema["x-kubernetes-int-or-string"] === true);
}

const RESERVED = [
  "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
  "package", "namespace", "return", "var", "void", "while",
];

function celName(name: string): string {
  if (RESERVED.includes(name)) return `__${name}__`;
  return name.replaceAll("__", "__underscores__").replaceAll(".", "__dot__").replaceAll("-", "__dash__").replaceAll("/", "__slash__");
}
