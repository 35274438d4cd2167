/** Label and field selectors. */
import { valueAt } from "./json.ts";
import type { KubeObject } from "./kube-object.ts";
import { keyProblem, labelProblem } from "./names.ts";
import type { ServedKind } from "./served-kind.ts";
import { badRequest } from "./status-error.ts";

export type Selector = (object: KubeObject) => boolean;

/** Selects by a list's or watch's parameters. Throws 400 for what it cannot read. */
export function selectorOf(kind: ServedKind, query: URLSearchParams): Selector {
  const labels = query.get("labelSelector") ?? "";
  const fields = query.get("fieldSelector") ?? "";
  const requirements = [...split(labels).map(labelRequirement), ...split(fields).map((text) => fieldRequirement(kind, text))];
  return (object) => requirements.every((isMet) => isMet(object));
}

/** At commas that are not within parentheses. */
function split(selector: string): readonly string[] {
  return selector.trim() === "" ? [] : selector.split(/,(?![^(]*\))/).map((text) => text.trim());
}

const KEY = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const EQUALITY = new RegExp(`^(${KEY})\\s*(=|==|!=)\\s*([-A-Za-z0-9_.]*)$`);
const MEMBERSHIP = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EXISTENCE = new RegExp(`^(!?)\\s*(${KEY})$`);

function labelRequirement(text: string): Selector {
  checkTexts(text);
  return equality(text) ?? membership(text) ?? comparison(text) ?? existence(text) ?? unreadable(text);
}

/** Throws 400 for a key or a value that no label can have. */
function checkTexts(text: string): void {
  const [, key = "", value = ""] = /^!?\s*([^\s=!<>()]+)\s*(?:==?|!=)?\s*(.*)$/.exec(text) ?? [];
  const refuse = (field: string, given: string, problem: string | undefined): void => {
    if (problem !== undefined) throw badRequest(`unable to parse requirement: ${field}: Invalid value: ${JSON.stringify(given)}: ${problem}`);
  };
  if (key.split("/").length > 2 || (EXISTENCE.test(text) && keyProblem(key))) refuse("<nil>", key, `a valid label key must consist of a name and an optional prefix (e.g. 'example.com/MyName')`);
  if (EQUALITY.test(text)) refuse(`values[0][${key}]`, value, labelProblem(value));
}

const COMPARISON = new RegExp(`^(${KEY})\\s*([<>])\\s*(-?\\d+)$`);

/** Of labels that are whole numbers. */
function comparison(text: string): Selector | undefined {
  const [, key, operator, value] = COMPARISON.exec(text) ?? [];
  if (key === undefined) return undefined;
  return (object) => {
    const label = labelOf(object, key) ?? "";
    return /^-?\d+$/.test(label) && (operator === ">" ? Number(label) > Number(value) : Number(label) < Number(value));
  };
}

function equality(text: string): Selector | undefined {
  const [, key, operator, value] = EQUALITY.exec(text) ?? [];
  if (key === undefined) return undefined;
  return (object) => (labelOf(object, key) === value) === (operator !== "!=");
}

function membership(text: string): Selector | undefined {
  const [, key, operator, list = ""] = MEMBERSHIP.exec(text) ?? [];
  if (key === undefined) return undefined;
  const values = list.split(",").map((value) => value.trim());
  return (object) => {
    const label = labelOf(object, key);
    return (label !== undefined && values.includes(label)) === (operator === "in");
  };
}

function existence(text: string): Selector | undefined {
  const [, not, key] = EXISTENCE.exec(text) ?? [];
  if (key === undefined) return undefined;
  return (object) => (labelOf(object, key) !== undefined) === (not === "");
}

function labelOf({ metadata }: KubeObject, key: string): string | undefined {
  return metadata.labels?.[key];
}

function unreadable(text: string): never {
  throw badRequest(`unable to parse requirement: ${text}`);
}

const FIELD_REQUIREMENT = /^([^=!]+?)\s*(=|==|!=)\s*(.*)$/;

function fieldRequirement(kind: ServedKind, text: string): Selector {
  const [, field, operator, value] = FIELD_REQUIREMENT.exec(text) ?? [];
  if (field === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  const known = ["metadata.name", "metadata.namespace", ...kind.selectableFields];
  if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
  return (object) => (String(valueAt(object, ...field.split(".")) ?? "") === value) === (operator !== "!=");
}
