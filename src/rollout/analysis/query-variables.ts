/** The variables of custom queries, and how their values get into PromQL without breaking out of it. */

export const QUERY_VARIABLES = [
  "namespace", "name",
  "canary.workload", "canary.version", "canary.pods",
  "stable.workload", "stable.version", "stable.pods",
  "window",
] as const;
export type QueryVariable = (typeof QUERY_VARIABLES)[number];

/** What each variable stands for; several workloads or pods are an alternation. `window` is a PromQL duration. */
export type QueryValues = Readonly<Record<QueryVariable, readonly string[]>>;

export type SubstitutedQuery =
  | { readonly kind: "query"; readonly query: string }
  /** A variable stands for nothing at present (no pod was seen): whatever is asked, there is no data. */
  | { readonly kind: "empty"; readonly query: string }
  /** A sentence about a query that cannot be right. */
  | { readonly kind: "invalid"; readonly message: string };

type Quote = '"' | "'" | "`";

/** Where in the query a variable stands. */
interface Place {
  readonly quote: Quote | undefined;
  /** The label matcher before the string: `=` and `!=` compare the whole value, everything else takes a regular expression. */
  readonly exact: boolean;
}

/** A comment, a whole string literal (with the operator before it, if that compares exactly), or a variable outside of both. */
const TOKEN = /#[^\n]*|(=\s*)?("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|\$\([^)]*\)?/gs;
const VARIABLE = /\$\(([^)]*)\)?/g;

/** The names after `$` that are no variable, in order and once each; an unclosed `$(` counts with what follows it. */
export function unknownVariables(query: string): readonly string[] {
  const names = [...query.matchAll(VARIABLE)].map(([text, name]) => (text.endsWith(")") ? name! : text));
  return [...new Set(names)].filter((name) => !isVariable(name));
}

/** Whether a query asks about the pods of a side by their names. */
export function namesPods(query: string): boolean {
  return [...query.matchAll(VARIABLE)].some(([, name]) => name === "canary.pods" || name === "stable.pods");
}

function isVariable(name: string): name is QueryVariable {
  return (QUERY_VARIABLES as readonly string[]).includes(name);
}

/** Puts the values in; only `window` may stand outside of quotes. */
export function substituteVariables(query: string, values: QueryValues): SubstitutedQuery {
  const unknown = unknownVariables(query);
  if (unknown.length > 0) return { kind: "invalid", message: `the query names ${unknown.map((name) => `$(${name})`).join(", ")}, expected one of ${QUERY_VARIABLES.join(", ")}` };
  const problems: string[] = [];
  let empty = false;
  const substituted = query.replace(TOKEN, (token: string, operator: string | undefined, literal: string | undefined) => {
    if (token.startsWith("#")) return token;
    const place: Place = { quote: literal?.[0] as Quote | undefined, exact: operator !== undefined };
    return token.replace(VARIABLE, (_, name: QueryVariable) => {
      const problem = problemAt(place, name, values[name]);
      if (problem) problems.push(problem);
      empty ||= values[name].length === 0;
      return textAt(place, values[name]);
    });
  });
  if (problems[0]) return { kind: "invalid", message: problems[0] };
  return { kind: empty ? "empty" : "query", query: substituted };
}

function problemAt({ quote, exact }: Place, name: QueryVariable, values: readonly string[]): string | undefined {
  if (!quote && name !== "window") return `expected $(${name}) in quotes, as a label's value, got it outside of them`;
  if (exact && values.length > 1) return `$(${name}) stands for ${values.length} names here: compare it with =~ instead of =`;
  if (quote === "`" && values.some((value) => value.includes("`"))) return `$(${name}) holds a backquote: put it in double quotes`;
  return undefined;
}

function textAt({ quote, exact }: Place, values: readonly string[]): string {
  const text = exact || !quote ? values.join("|") : regexOf(values);
  return quote && quote !== "`" ? insideQuotes(text, quote) : text;
}

/** An RE2 alternation that matches these names and nothing else. */
export function regexOf(names: readonly string[]): string {
  return names.map((name) => name.replace(/[.*+?()|[\]{}^$\\]/g, "\\$&")).join("|");
}

/** A PromQL string literal with this value. */
export function promqlString(value: string): string {
  return `"${insideQuotes(value, '"')}"`;
}

function insideQuotes(text: string, quote: '"' | "'"): string {
  return text.replace(/\\/g, "\\\\").replaceAll(quote, `\\${quote}`).replace(/\n/g, "\\n");
}
