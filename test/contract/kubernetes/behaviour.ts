/** What the tables of behaviours are made of: one row, and how answers are looked at. */
import { expect } from "vitest";
import type { Answer, Body, Subject } from "./subject.ts";

export interface Behaviour {
  /** A sentence. */
  readonly name: string;
  readonly check: (subject: Subject) => Promise<void>;
}

export const RULES_NOT_CHECKED =
  "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/** `field: message` of each cause. */
export function causesOf({ body }: Answer): readonly string[] {
  const causes = (body.details?.causes ?? []) as unknown as readonly { readonly field: string; readonly message: string }[];
  return causes.map(({ field, message }) => `${field}: ${message}`).sort();
}

export async function created({ ask, widgets }: Subject, object: object, query = ""): Promise<Body> {
  const answer = await ask("POST", widgets + query, object);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

/** Who owns what, without the times. */
export function owners(object: Body): readonly unknown[] {
  const entries = object.metadata?.managedFields as unknown as readonly Body[];
  return entries.map(({ manager, operation, subresource, fieldsV1 }) => [manager, operation, ...(subresource ? [subresource] : []), fieldsV1]);
}

export function timeOf(object: Body, manager: string): unknown {
  const entries = object.metadata?.managedFields as unknown as readonly { manager: string; time: string }[];
  return entries.find((entry) => entry.manager === manager)?.time;
}

export function names({ body }: Answer): readonly string[] {
  return (body.items as unknown as readonly { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
}

/** The first events of a watch. */
export async function events({ watch }: Subject, path: string, count: number): Promise<readonly (readonly [type: string, name: unknown, object: Body])[]> {
  const seen: (readonly [string, unknown, Body])[] = [];
  const stop = new AbortController();
  for await (const { type, object } of watch(path, stop.signal)) {
    seen.push([type, object.metadata.name, object as unknown as Body]);
    if (seen.length === count) break;
  }
  return seen;
}
