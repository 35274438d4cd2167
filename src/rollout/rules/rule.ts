/** What a rule is: it decides the case, or passes it on. */
import type { Case } from "../case.ts";
import type { Command } from "../command.ts";
import type { Answer, Decision, Said } from "../decision.ts";
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

/** `25%`: whole where it is whole, else one decimal. */
export function percent(value: number): string {
  return `${Number(value.toFixed(1))}%`;
}
