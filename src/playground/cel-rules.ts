/** Checks a value against the `x-kubernetes-validations` of a structural schema, as the API server does. */
import { Environment } from "@marcbachmann/cel-js";

/** The part of a schema that rules need. */
export interface RuledSchema {
  readonly type?: string | undefined;
  readonly properties?: Readonly<Record<string, RuledSchema>> | undefined;
  readonly items?: RuledSchema | undefined;
  readonly [keyword: string]: unknown;
}

interface Validation {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly fieldPath?: string;
}

export interface BrokenRule {
  /** As the API server writes it: `spec.strategy.steps[0].hold`. */
  readonly field: string;
  readonly message: string;
  /** The rule's CEL expression. */
  readonly rule: string;
}

/** Every rule that the value breaks, outermost first. The value must have the schema's types, as the server makes sure first. */
export function brokenRules(schema: RuledSchema, value: unknown, field = ""): readonly BrokenRule[] {
  if (value === undefined || value === null) return [];
  const validations = (schema["x-kubernetes-validations"] ?? []) as readonly Validation[];
  const self = celValue(schema, value);
  return [...validations.flatMap((validation) => broken(validation, self, field)), ...childrenOf(schema, value, field).flatMap((child) => brokenRules(...child))];
}

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false }).registerFunction("string.format(list): string", formatted);

/** As many as the schemas have rules: parsing costs more than evaluating. */
const programs = new Map<string, ReturnType<typeof environment.parse>>();

function compiled(expression: string): ReturnType<typeof environment.parse> {
  const program = programs.get(expression) ?? environment.parse(expression);
  programs.set(expression, program);
  return program;
}

function broken({ rule, message, messageExpression, fieldPath = "" }: Validation, self: unknown, field: string): readonly BrokenRule[] {
  if (compiled(rule)({ self }) === true) return [];
  const said = messageExpression === undefined ? message : compiled(messageExpression)({ self });
  return [{ field: `${field}${fieldPath}`, message: String(said ?? `failed rule: ${rule}`), rule }];
}

function childrenOf(schema: RuledSchema, value: unknown, field: string): readonly [RuledSchema, unknown, string][] {
  const { items, properties = {} } = schema;
  if (Array.isArray(value)) return items ? value.map((item, index) => [items, item, `${field}[${index}]`]) : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => (properties[name] ? [[properties[name], child, field === "" ? name : `${field}.${name}`]] : []));
}

/** CEL tells whole numbers (bigint) from others, JSON does not: the schema decides. */
function celValue(schema: RuledSchema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? {}, item));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, celValue(schema.properties?.[name] ?? {}, child)]));
  }
  return schema.type === "integer" && typeof value === "number" ? BigInt(value) : value;
}

/** `format` of Kubernetes' CEL, with `%s`, `%d` and `%%`. */
function formatted(template: string, values: readonly unknown[]): string {
  let next = 0;
  return template.replace(/%[sd%]/g, (verb) => (verb === "%%" ? "%" : textOf(values[next++])));
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(textOf).join(", ")}]` : String(value);
}
