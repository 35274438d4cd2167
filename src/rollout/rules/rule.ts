/** What a rule is: it decides the case, or passes it on. */
import { type Case, editableOf } from "../case.ts";
import type { Command } from "../command.ts";
import type { Answer, Decision, Said } from "../decision.ts";
import type { RouteFound } from "../observation.ts";
import { ROUTE_MANAGER, STAMP_MANAGER } from "../rollout.ts";
import type { Phase, Reason } from "../status.ts";

export type Rule = (it: Case) => Decision | undefined;

export function say(phase: Phase, reason: Reason, message: string): Said {
  return { phase, reason, message };
}

export function stay(phase: Phase, reason: Reason, message: string): Decision {
  return { kind: "stay", phase, reason, message };
}

export function accepted(command: Command | undefined, message: string): { answer?: Answer } {
  return command ? { answer: { command, result: "Accepted", message } } : {};
}

/** ` by alice: disk full`, as far as it is known. */
export function byWhom(command: Command): string {
  return ` by ${command.actor}${command.reason ? `: ${command.reason}` : ""}`;
}

/** Who wrote the route last, as far as managedFields tell. */
export function strangerOf(it: Case): string {
  const stranger = editableOf(it)?.writers.find(({ manager }) => manager !== ROUTE_MANAGER && manager !== STAMP_MANAGER);
  return stranger?.manager ?? "somebody";
}

/** `v2 90, v3 10`. */
export function splitSaid({ destinations }: Pick<RouteFound, "destinations">): string {
  return destinations.map(({ version, points }) => `${version} ${points}`).join(", ");
}

/** `25%`: whole where it is whole, else one decimal. */
export function percent(value: number): string {
  return `${Number(value.toFixed(1))}%`;
}
