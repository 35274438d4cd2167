/** What `wait` and `watch` wait for: a phase or a condition of the revision that they were started for. */
import type { KubernetesObject } from "../kubernetes/client.ts";
import { rolloutOf } from "../kubernetes/rollout-object.ts";
import { nearNames } from "../rollout/near-names.ts";
import { Condition, Phase, type RolloutStatus, type VersionRevision } from "../rollout/status.ts";
import { isPauseStep } from "../rollout/ladder.ts";
import { EXIT, Failure } from "./failure.ts";

export type Goal = { readonly kind: "phase"; readonly phase: Phase } | { readonly kind: "condition"; readonly type: Condition["type"]; readonly status: string };

/** What the person meant when they began to wait. */
export interface Pin {
  readonly release: string;
  /** Empty until it has been seen. */
  readonly revision: string;
}

export type Verdict =
  | { readonly kind: "waiting"; readonly pin: Pin }
  | { readonly kind: "met" }
  | { readonly kind: "failed"; readonly exitCode: number; readonly sentence: string };

/** `Healthy`, `Ready`, `Ready=False`, `condition=Ready`; upper and lower case are the same. Throws a `Failure`. */
export function goalOf(text: string): Goal {
  const [name = "", status = "True"] = text.replace(/^(?:condition|phase)=/i, "").split("=");
  const phase = Phase.options.find((each) => each.toLowerCase() === name.toLowerCase());
  if (phase) return { kind: "phase", phase };
  const types = Condition.shape.type.options;
  const type = types.find((each) => each.toLowerCase() === name.toLowerCase());
  if (type) return { kind: "condition", type, status };
  const [near] = nearNames(name, [...Phase.options, ...types]);
  throw new Failure(`expected a phase (${Phase.options.join(", ")}) or a condition (${types.join(", ")}), got ${text}${near ? `; did you mean ${near}?` : ""}`, EXIT.usage);
}

/** `pin`: undefined at first. `present`: what the Deployment holds now, where one is delivered: status may not say so yet. */
export function verdictOn(object: KubernetesObject, goal: Goal, pin: Pin | undefined, present?: string): Verdict {
  const { metadata, spec, status } = rolloutOf(object);
  const release = present ?? ("invalid" in spec ? (pin?.release ?? "") : spec.release);
  const isCurrent = status !== undefined && status.observedGeneration >= metadata.generation && (present === undefined || status.observedRevision?.version === present);
  const observed = isCurrent && status.observedRevision?.version === release ? status.observedRevision : undefined;
  if (pin && supersedes(pin, release, observed)) return failed(EXIT.conflict, `${pin.release} was superseded by ${release}${observed?.revision ? ` (${observed.revision})` : ""}`);
  const next = { release, revision: pin?.revision || (observed?.revision ?? "") };
  return isCurrent ? verdictOnStatus(status, goal, next) : { kind: "waiting", pin: next };
}

function supersedes(pin: Pin, release: string, observed: VersionRevision | undefined): boolean {
  if (release !== pin.release) return true;
  return pin.revision !== "" && observed !== undefined && observed.revision !== "" && observed.revision !== pin.revision;
}

function verdictOnStatus(status: RolloutStatus, goal: Goal, pin: Pin): Verdict {
  if (isMet(status, goal)) return { kind: "met" };
  const said = `${status.phase} (${status.reason}): ${status.message}`;
  if (status.phase === "Degraded") return failed(EXIT.degraded, said);
  return status.phase === "Paused" && needsPerson(status) ? failed(EXIT.paused, said) : { kind: "waiting", pin };
}

function isMet({ phase, conditions }: RolloutStatus, goal: Goal): boolean {
  if (goal.kind === "phase") return phase === goal.phase;
  return conditions.some(({ type, status }) => type === goal.type && status.toLowerCase() === goal.status.toLowerCase());
}

/** A pause with a duration ends by itself. */
function needsPerson({ run, reason }: RolloutStatus): boolean {
  const step = run?.ladder[run.step];
  return !(reason === "Step" && isPauseStep(step) && step.pause.duration !== undefined);
}

function failed(exitCode: number, sentence: string): Verdict {
  return { kind: "failed", exitCode, sentence };
}
