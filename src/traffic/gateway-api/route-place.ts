/** Finds the one rule of an HTTPRoute or GRPCRoute that a Rollout's `traffic` means. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import type { ObjectCache } from "../../kubernetes/object-cache.ts";
import { EPOCH_ANNOTATION, type RolloutRef } from "../../rollout/rollout.ts";
import { isOwn, ownName } from "../../rollout/route-names.ts";
import { problemsOf } from "../../rollout/spec-problems.ts";
import { refusalOf } from "../reference.ts";
import { test } from "../route-edit.ts";
import { flawIn, type Place, type Trouble } from "../route-form.ts";
import { indexLeadingToTwo, type Named, type RouteAsked } from "../weighted-router.ts";
import { mirroringOf } from "./mirroring.ts";
import { besideOf } from "./own-rule.ts";
import { refusedByParents } from "./parents.ts";
import { FORM, RouteSpec, type BackendRef, type RouteRule } from "./route-object.ts";
import { labelOf, routeRefOf, type GatewayRouteKind } from "./target.ts";

/** A rule with backend references, and where it is. */
export interface RulePlace extends Place<BackendRef> {
  /** The rule's name, or its place among the rules where it has none: what Rollouts call it. */
  readonly part: string;
}

type Cache = Pick<ObjectCache, "get">;

/** `index`: of the rule, where it is known already. */
export function findPlace(kind: GatewayRouteKind, routes: Cache, asked: Named, index?: number): RulePlace | Trouble {
  const { rollout, target } = asked;
  const { namespace = rollout.namespace, name } = routeRefOf(kind, target);
  const label = labelOf(kind, { namespace, name });
  const object = routes.get(namespace, name);
  if (!object) return { kind: "absent", message: `there is no ${label}` };
  const refusal = refusalOf(label, object, rollout);
  return refusal === undefined ? placeIn(kind, object, asked, index) : unusable(refusal);
}

/** The place in a route that is already at hand, such as the answer to a write. */
export function placeIn(kind: GatewayRouteKind, object: KubernetesObject, { rollout, target }: Named, known?: number): RulePlace | Trouble {
  const label = labelOf(kind, object.metadata);
  const parsed = RouteSpec.safeParse(object.spec ?? {});
  if (!parsed.success) {
    const [problem] = problemsOf(parsed.error, object.spec, "spec");
    return unusable(`${label} cannot be read: ${problem?.path}: ${problem?.message}`);
  }
  const rules = parsed.data.rules ?? [];
  const index = known !== undefined && rules[known] ? known : indexOf(rules, routeRefOf(kind, target), label);
  return typeof index === "number" ? placeAt(kind, { object, rules, index, label, rollout }) : index;
}

/** Where a rule went that bears another name or place now: the only one that leads to two of the versions, in a route with our stamp. */
export function findStray(kind: GatewayRouteKind, routes: Cache, { rollout, target, versions }: RouteAsked): number | undefined {
  const { namespace = rollout.namespace, name } = routeRefOf(kind, target);
  const object = routes.get(namespace, name);
  if (object?.metadata.annotations?.[EPOCH_ANNOTATION] === undefined) return undefined;
  const rules = RouteSpec.safeParse(object.spec).data?.rules ?? [];
  return indexLeadingToTwo(FORM, rules.map(({ backendRefs = [] }) => backendRefs), versions);
}

interface Spot {
  readonly object: KubernetesObject;
  readonly rules: readonly RouteRule[];
  readonly index: number;
  /** Of the object, for sentences. */
  readonly label: string;
  readonly rollout: RolloutRef;
}

function placeAt(kind: GatewayRouteKind, { object, rules, index, label: ofObject, rollout }: Spot): RulePlace | Trouble {
  const rule = rules[index]!;
  const ruleName = nameOf(rule);
  const label = ruleName === undefined ? ofObject : `${ofObject}, rule ${ruleName}`;
  const destinations = rule.backendRefs ?? [];
  if (destinations.length === 0) return unusable(`${label} has no backendRefs to weigh`);
  return {
    kind: "place", object, destinations, label, along: [],
    part: ruleName ?? String(index),
    namespace: object.metadata.namespace ?? "",
    path: `/spec/rules/${index}/backendRefs`,
    field: "rules",
    beside: besideOf(kind, rules, index, ownName(rollout)),
    mirroring: mirroringOf(rule, `/spec/rules/${index}`),
    tests: ruleName === undefined ? [] : [test(`/spec/rules/${index}/name`, ruleName)],
    flaw: flawIn(FORM, destinations, label) ?? refusedByParents(object, ofObject),
  };
}

interface RuleRef {
  readonly rule?: string | undefined;
  readonly ruleIndex?: number | undefined;
}

function indexOf(all: readonly RouteRule[], ref: RuleRef, label: string): number | Trouble {
  const users = all.filter((rule) => !isOwn(rule));
  const index = usersIndexOf(users, ref, label);
  return typeof index === "number" ? all.indexOf(users[index]!) : index;
}

function usersIndexOf(rules: readonly RouteRule[], { rule, ruleIndex }: RuleRef, label: string): number | Trouble {
  if (rules.length === 0) return { kind: "absent", message: `${label} has no rules` };
  if (rule !== undefined) return namedIndex(rules, rule, label);
  if (ruleIndex !== undefined) return countedIndex(rules, ruleIndex, label);
  if (rules.length === 1) return 0;
  return unusable(`${label} has ${rules.length} rules (${namesOf(rules)}): say with rule or ruleIndex in traffic.gatewayApi which one to weigh`);
}

function namedIndex(rules: readonly RouteRule[], wanted: string, label: string): number | Trouble {
  const found = [...rules.keys()].filter((index) => nameOf(rules[index]!) === wanted);
  if (found.length > 1) return unusable(`${label} has ${found.length} rules named ${wanted}: give each its own name`);
  return found[0] ?? { kind: "absent", message: `${label} has no rule named ${wanted}; it has ${namesOf(rules)}` };
}

/** A rule has one name by which Rollouts call it, so that two of them on one rule are found. */
function countedIndex(rules: readonly RouteRule[], index: number, label: string): number | Trouble {
  const rule = rules[index];
  if (!rule) return { kind: "absent", message: `${label} has no rule ${index}; it has ${rules.length}, counted from 0` };
  const name = nameOf(rule);
  return name === undefined ? index : unusable(`rule ${index} of ${label} is named ${name}: write rule: ${name} in place of ruleIndex`);
}

function namesOf(rules: readonly RouteRule[]): string {
  return rules.map((rule) => nameOf(rule) ?? "one without name").join(", ");
}

function nameOf({ name }: RouteRule): string | undefined {
  return name === "" ? undefined : name;
}

function unusable(message: string): Trouble {
  return { kind: "unusable", message };
}
