/** Headers of an answer, edited as a VirtualService says. */
import type { OutgoingHttpHeaders } from "node:http";
import type { HeaderEdit } from "./mesh-objects.ts";

/** One edit after the other; names are in lower case. */
export function edited(headers: OutgoingHttpHeaders, edits: readonly HeaderEdit[]): OutgoingHttpHeaders {
  return edits.reduce(editedOnce, headers);
}

/** As Envoy does it: taken out first, then put there, where what is added stands beside what was there already. */
function editedOnce(headers: OutgoingHttpHeaders, { remove, set, add }: HeaderEdit): OutgoingHttpHeaders {
  const removed = new Set(remove.map(lower));
  const left = Object.fromEntries(Object.entries(headers).filter(([name]) => !removed.has(name)));
  const put = { ...left, ...Object.fromEntries(Object.entries(set).map(([name, value]) => [lower(name), value])) };
  return Object.entries(add).reduce<OutgoingHttpHeaders>((all, [name, value]) => ({ ...all, [lower(name)]: beside(all[lower(name)], value) }), put);
}

function beside(present: OutgoingHttpHeaders[string], value: string): string | string[] {
  return present === undefined ? value : [...(Array.isArray(present) ? present : [String(present)]), value];
}

function lower(name: string): string {
  return name.toLowerCase();
}
