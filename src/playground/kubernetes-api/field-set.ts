/** Sets of field paths in the notation of managedFields, and their `FieldsV1` form. */
import { isObject, type JsonObject } from "./json.ts";

/** Path elements (`f:spec`, `k:{"name":"x"}`, `v:"x"`) joined by NUL; the root is empty. */
export type FieldPath = string;
export type FieldSet = ReadonlySet<FieldPath>;

const SEPARATOR = "\0";

export function below(path: FieldPath, element: string): FieldPath {
  return path === "" ? element : `${path}${SEPARATOR}${element}`;
}

export function elementsOf(path: FieldPath): readonly string[] {
  return path === "" ? [] : path.split(SEPARATOR);
}

export function union(...sets: readonly FieldSet[]): FieldSet {
  return new Set(sets.flatMap((set) => [...set]));
}

export function difference(set: FieldSet, other: FieldSet): FieldSet {
  return new Set([...set].filter((path) => !other.has(path)));
}

export function intersection(set: FieldSet, other: FieldSet): FieldSet {
  return new Set([...set].filter((path) => other.has(path)));
}

interface Node {
  isMember: boolean;
  readonly children: Map<string, Node>;
}

function treeOf(set: FieldSet): Node {
  const root: Node = { isMember: false, children: new Map() };
  for (const path of set) nodeAt(root, elementsOf(path)).isMember = true;
  return root;
}

function nodeAt(root: Node, elements: readonly string[]): Node {
  return elements.reduce((node, element) => {
    const next = node.children.get(element) ?? { isMember: false, children: new Map<string, Node>() };
    node.children.set(element, next);
    return next;
  }, root);
}

export function fieldsV1Of(set: FieldSet): JsonObject {
  return encode(treeOf(set));
}

function encode({ isMember, children }: Node): JsonObject {
  const fields = [...children].sort(byElement).map(([element, child]) => [element, encode(child)] as const);
  return Object.fromEntries(isMember && fields.length > 0 ? [[".", {}], ...fields] : fields);
}

export function fieldSetFrom(fieldsV1: JsonObject, path: FieldPath = ""): FieldSet {
  const found = new Set<FieldPath>();
  for (const [element, value] of Object.entries(fieldsV1)) {
    if (element === ".") found.add(path);
    else if (!isObject(value) || Object.keys(value).length === 0) found.add(below(path, element));
    else for (const inner of fieldSetFrom(value, below(path, element))) found.add(inner);
  }
  return found;
}

/** As a person reads it, `.spec.metrics[name="x"].max`, the members of a level before what is deeper. */
export function describePaths(set: FieldSet): readonly string[] {
  return describeNode(treeOf(set), "");
}

function describeNode(node: Node, prefix: string): readonly string[] {
  const children = [...node.children].sort(byElement).map(([element, child]) => ({ child, said: prefix + describeElement(element) }));
  return [
    ...children.filter(({ child }) => child.isMember).map(({ said }) => said),
    ...children.flatMap(({ child, said }) => describeNode(child, said)),
  ];
}

function describeElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith("f:")) return `.${text}`;
  if (element.startsWith("v:")) return `[=${text}]`;
  const keys = Object.entries(JSON.parse(text) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

function byElement([one]: readonly [string, Node], [other]: readonly [string, Node]): number {
  return one < other ? -1 : 1;
}
