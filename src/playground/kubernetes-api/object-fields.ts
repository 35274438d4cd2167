/** Which fields an object has, which differ between two, and how an applied configuration is merged into one. */
import { below, elementsOf, type FieldPath, type FieldSet } from "./field-set.ts";
import { isObject, isSame, type JsonObject } from "./json.ts";
import { ANY, childrenOf, shapeBelow, type Child, type Shape } from "./shape.ts";

/** The fields that somebody owns who applies this value. */
export function fieldSetOf(value: unknown, shape: Shape, path: FieldPath = ""): FieldSet {
  const children = childrenOf(value, shape);
  if (!children) return new Set([path]);
  const found = new Set<FieldPath>();
  for (const [element, child] of children) {
    const childPath = below(path, element);
    if (!child.isDeclared || isHollow(child.value)) found.add(childPath);
    for (const inner of fieldSetOf(child.value, child.shape, childPath)) found.add(inner);
  }
  return found;
}

function isHollow(value: unknown): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function compareFields(before: unknown, after: unknown, shape: Shape): Comparison {
  const comparison = { added: new Set<FieldPath>(), modified: new Set<FieldPath>(), removed: new Set<FieldPath>() };
  walk({ before, after, shape, path: "" }, comparison);
  return comparison;
}

interface Pair {
  /** Absent: undefined. */
  readonly before: unknown;
  readonly after: unknown;
  readonly shape: Shape;
  readonly path: FieldPath;
}

interface Found {
  readonly added: Set<FieldPath>;
  readonly modified: Set<FieldPath>;
  readonly removed: Set<FieldPath>;
}

function walk(pair: Pair, found: Found): void {
  const { before, after, shape, path } = pair;
  const old = childrenOf(before, shape);
  const now = childrenOf(after, shape);
  if (before === undefined) found.added.add(path);
  else if (after === undefined) found.removed.add(path);
  else if ((!old || !now) && !isSame(before, after)) found.modified.add(path);
  for (const element of new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])) {
    walk({ ...pairOf(old?.get(element), now?.get(element)), path: below(path, element) }, found);
  }
}

function pairOf(old: Child | undefined, now: Child | undefined): Omit<Pair, "path"> {
  return { before: old?.value, after: now?.value, shape: now?.shape ?? old?.shape ?? ANY };
}

/** Fields of `config` win; items of lists with keys are merged by key. */
export function mergeFields(live: unknown, config: unknown, shape: Shape): unknown {
  const old = childrenOf(live, shape);
  const given = childrenOf(config, shape);
  if (!old || !given) return config;
  const merged = mergedOrder([...old.keys()], [...given.keys()]).map((element) => {
    const applied = given.get(element);
    const value = applied === undefined ? old.get(element)?.value : mergeFields(old.get(element)?.value, applied.value, applied.shape);
    return [element, value] as const;
  });
  return rebuilt(live, merged);
}

/** Items of the configuration stay in its order; before each that was there already stands what stood there. */
function mergedOrder(live: readonly string[], config: readonly string[]): readonly string[] {
  const order = new Set<string>();
  for (const element of live) {
    const until = config.indexOf(element);
    for (const given of config.slice(0, until + 1)) order.add(given);
    order.add(element);
  }
  return [...new Set([...order, ...config])];
}

/** Without these fields, and what is below them. */
export function withoutFields(value: unknown, removed: FieldSet, shape: Shape, path: FieldPath = ""): unknown {
  const children = childrenOf(value, shape);
  if (!children) return value;
  const kept = [...children]
    .filter(([element]) => !removed.has(below(path, element)))
    .map(([element, child]) => [element, withoutFields(child.value, removed, child.shape, below(path, element))] as const);
  return rebuilt(value, kept);
}

function rebuilt(like: unknown, children: readonly (readonly [string, unknown])[]): unknown {
  if (Array.isArray(like)) return children.map(([, value]) => value);
  return Object.fromEntries(children.map(([element, value]) => [element.slice(2), value])) satisfies JsonObject;
}

/** With every declared field that has members below it: who owns `spec.release` also holds `spec`. */
export function withDeclaredParents(set: FieldSet, shape: Shape): FieldSet {
  const found = new Set(set);
  for (const path of set) {
    let at = { shape, path: "" };
    for (const element of elementsOf(path)) {
      const next = shapeBelow(at.shape, element);
      at = { shape: next.shape, path: below(at.path, element) };
      if (next.isDeclared) found.add(at.path);
    }
  }
  return found;
}
