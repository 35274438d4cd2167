/** Reads manifests as kubectl does (YAML 1.1, JSON, several documents, lists), and remembers where everything stands. */
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type Document, type Tags } from "yaml";
import { printable } from "../../rollout/printable.ts";
import type { Path } from "../../rollout/spec-problems.ts";

export interface Manifest {
  /** The object as the API server would get it; undefined where the text does not parse. */
  readonly object: unknown;
  /** Trouble with the text itself. */
  readonly flaws: readonly Flaw[];
  /** Line (from 1) of what stands at these keys, or of the nearest thing around it. */
  lineOf(keys: Path): number;
}

export interface Flaw {
  readonly line: number;
  readonly message: string;
}

/** One manifest per document; the items of a `List` are manifests of their own. */
export function readManifests(text: string): readonly Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { version: "1.1", customTags: withoutTimes, lineCounter: lines, logLevel: "error" });
  return documents.flatMap((document) => manifestsOf(document, lines));
}

/** kubectl's reader takes dates and 1:30 for texts. */
function withoutTimes(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === "string" || (tag.tag !== "tag:yaml.org,2002:timestamp" && tag.format !== "TIME"));
}

function manifestsOf(document: Document, lines: LineCounter): readonly Manifest[] {
  const { object, flaws: unread } = objectOf(document);
  const flaws = [...syntaxFlaws(document), ...unread, ...booleanKeys(document, lines)];
  const lineOf = (keys: Path): number => lines.linePos(offsetOf(document, keys)).line;
  const items = itemsOf(object);
  if (!items) return [{ object, flaws, lineOf }];
  return items.map((item, index) => ({ object: item, flaws: index === 0 ? flaws : [], lineOf: (keys) => lineOf(["items", index, ...keys]) }));
}

function objectOf(document: Document): Pick<Manifest, "object" | "flaws"> {
  if (document.errors.some(({ code }) => code !== "DUPLICATE_KEY")) return { object: undefined, flaws: [] };
  try {
    return { object: document.toJS() as unknown, flaws: [] };
  } catch (error) {
    return { object: undefined, flaws: [{ line: 1, message: syntaxSentence(error instanceof Error ? error.message : String(error)) }] }; // an alias to nothing, or to too much
  }
}

function itemsOf(object: unknown): readonly unknown[] | undefined {
  if (typeof object !== "object" || object === null || !("items" in object) || !("kind" in object)) return undefined;
  return Array.isArray(object.items) && typeof object.kind === "string" && object.kind.endsWith("List") ? object.items : undefined;
}

function syntaxFlaws({ errors }: Document): readonly Flaw[] {
  return errors.map(({ code, message, linePos }) => ({
    line: linePos?.[0].line ?? 1,
    message:
      code === "DUPLICATE_KEY"
        ? "expected each key once, got this one twice; take one of them out, since kubectl keeps the last one without a word"
        : syntaxSentence(message),
  }));
}

function syntaxSentence(said: string): string {
  return `expected YAML or JSON, got a text that does not parse (${printable(said.split("\n")[0]!.replace(/ at line \d+.*$/, ""))}); correct it first`;
}

/** `on:` and its like, which nobody means as `true:`. */
function booleanKeys(document: Document, lines: LineCounter): readonly Flaw[] {
  const flaws: Flaw[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== "boolean") return;
      const written = key.source ?? String(key.value);
      const message = `expected a text as key, got ${written}, which YAML 1.1 reads as ${key.value}; put it in quotes, or take another name`;
      flaws.push({ line: lines.linePos(key.range?.[0] ?? 0).line, message });
    },
  });
  return flaws;
}

/** Where the last of the keys that are there begins. */
function offsetOf(document: Document, keys: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of keys) {
    const child = childAt(node, key, document);
    if (!child) break;
    offset = child.offset ?? offset;
    node = child.node;
  }
  return offset;
}

function childAt(node: unknown, key: string | number, document: Document): { readonly node: unknown; readonly offset: number | undefined } | undefined {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(resolved) && typeof key === "number" && key < resolved.items.length) {
    const item = resolved.items[key];
    return { node: item, offset: startOf(item) };
  }
  if (!isMap(resolved)) return undefined;
  const pair = resolved.items.find((each) => isPair(each) && isScalar(each.key) && String(each.key.value) === String(key));
  return pair && { node: pair.value, offset: startOf(pair.key) };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
