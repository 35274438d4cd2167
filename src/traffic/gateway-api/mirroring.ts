/** Copies of a rule's requests: its filters of type RequestMirror, each of which is one. */
import type { JsonPatchOperation } from "../../kubernetes/client.ts";
import { isEqual } from "../../rollout/equal.ts";
import type { Mirror, Mirroring } from "../route-form.ts";
import type { BackendRef, RouteRule, RuleFilter } from "./route-object.ts";

/** `path`: JSON Pointer to the rule. */
export function mirroringOf({ filters }: RouteRule, path: string): Mirroring<BackendRef> {
  const found = (filters ?? []).flatMap((filter, at) => mirrorIn(filter).map((mirror) => ({ at, mirror })));
  return {
    present: found.map(({ mirror }) => mirror),
    obstacle: filters?.length === 0 ? "has an empty list of filters, which no edit could leave as it is: take filters out of it" : undefined,
    shadowOf,
    edit: (dropped, added) => edited(path, filters ?? [], dropped.map((each) => found[each]!.at), added),
  };
}

function mirrorIn({ requestMirror }: RuleFilter): readonly Mirror<BackendRef>[] {
  if (!requestMirror) return [];
  const { backendRef, percent, fraction } = requestMirror;
  return [{ destination: backendRef, percent: percent ?? (fraction ? (100 * fraction.numerator) / fraction.denominator : 100) }];
}

/** What a mirror refers to has neither weight nor filters. */
function shadowOf({ weight: _, filters: __, ...reference }: BackendRef): BackendRef {
  return reference;
}

/** A list that began with ours goes with it. */
function edited(path: string, filters: readonly RuleFilter[], dropped: readonly number[], added: Mirror<BackendRef> | undefined): readonly JsonPatchOperation[] {
  const isEmptied = dropped.length > 0 && dropped.length === filters.length;
  const removals = isEmptied ? [`${path}/filters`] : [...dropped].reverse().map((at) => `${path}/filters/${at}`);
  return [...removals.map((each) => ({ op: "remove" as const, path: each })), ...(added ? [addition(path, filters.length > dropped.length, filterOf(added))] : [])];
}

function addition(path: string, hasOthers: boolean, filter: object): JsonPatchOperation {
  return hasOthers ? { op: "add", path: `${path}/filters/-`, value: filter } : { op: "add", path: `${path}/filters`, value: [filter] };
}

/** All of the requests is what a mirror without a share means, also on a server that knows no shares. */
function filterOf({ destination, percent }: Mirror<BackendRef>): object {
  return { type: "RequestMirror", requestMirror: { backendRef: destination, ...(percent === 100 ? {} : { percent }) } };
}

/** For our own rule, whose requests go to that Service anyway. */
export function withoutMirrorsTo(rule: RouteRule, reference: BackendRef): RouteRule {
  const { filters, ...rest } = rule;
  const shadow = shadowOf(reference);
  const others = filters?.filter(({ requestMirror }) => !isEqual(requestMirror?.backendRef, shadow));
  return { ...rest, ...(others?.length ? { filters: others } : {}) };
}
