/** The command annotation, and whether the command in it is to be obeyed (law 7). */
import { type Command, formatCommand, parseCommand } from "./command.ts";
import { givenAt, isWeightStep, lastStep, loadAt, stepAfter, weightsIn } from "./ladder.ts";
import { isComparable } from "./portion.ts";
import { type Case, type Inbox, notReadyFor } from "./case.ts";
import { COMMAND_ANNOTATION } from "./rollout.ts";
import { deploymentSeen } from "./deployment.ts";
import { askedTwice, cannotMirror, cannotPreview, noRoomFor } from "./route-obstacles.ts";
import { cannotPinAt } from "./sessions.ts";
import { undoneTemplate } from "./rules/beginning.ts";
import type { RolloutStatus, Run, Verb } from "./status.ts";
import { wayBackObstacle } from "./way-back.ts";

/** A case before its inbox has been read. */
type Reading = Omit<Case, "inbox" | "command">;

export function inboxOf(it: Reading): Inbox {
  const { annotations, resourceVersion } = it.rollout.metadata;
  const text = annotations[COMMAND_ANNOTATION];
  if (text === undefined) return { kind: "empty" };
  const number = it.status.run?.number ?? 0;
  const parsed = parseCommand(text);
  if (parsed.kind === "bare") return { kind: "bare", text, stamped: stamped(parsed, `hand-${resourceVersion}`, number) };
  if (parsed.kind === "unreadable") return unreadable(it, text, parsed.message);
  if (isAnswered(it.status, parsed.command)) return { kind: "answered", text };
  const message = refusalOf(it, parsed.command, number);
  return message ? { kind: "refused", text, command: parsed.command, message } : { kind: "accepted", text, command: parsed.command };
}

function isAnswered({ lastCommand, answered = [] }: RolloutStatus, { id }: Command): boolean {
  return lastCommand?.id === id || answered.includes(id);
}

/** A bare verb may carry `reason=`, `to=` and `full=`; id, run and actor are ours to say. */
function stamped(bare: { verb: Verb; rest: string }, id: string, run: number): string {
  const own = bare.rest.split(" ").filter((pair) => /^(?:reason|to|full)=/.test(pair));
  return [formatCommand({ id, verb: bare.verb, run, actor: "unverified" }), ...own].join(" ");
}

function unreadable(it: Reading, text: string, message: string): Inbox {
  const id = `unreadable-${it.rollout.metadata.resourceVersion}`;
  const verb = text.trim().split(/\s+/)[0]?.slice(0, 40) ?? "";
  return { kind: "refused", text, command: { id, verb, run: it.status.run?.number ?? 0, actor: "unverified" }, message };
}

/** Why a command is refused, in one sentence; undefined when it is to be obeyed. */
function refusalOf(it: Reading, command: Command, number: number): string | undefined {
  if (it.observing) return "analysis.mode is observe: Weir looks and says, and takes no command; set it to enforce first";
  if (command.run !== number) return `the command is for run ${command.run}, and the ${it.run ? "present" : "last"} one is run ${number}: look at it and say it again`;
  return it.run ? refusalInRun(it, it.run, command) : refusalAtRest(it, command);
}

function refusalAtRest(it: Reading, command: Command): string | undefined {
  const { verb, run } = command;
  if (verb === "retry") return it.status.refused?.version === it.spec.release ? noRouteSaid(it) : `${it.spec.release} is not refused, so there is nothing to retry`;
  if (verb === "undo") return templateRefusal(it, command) ?? undoRefusal(it, command);
  return run === 0 ? `there has been no run to ${verb}` : `run ${run} has ended (${it.ended?.outcome ?? "unknown"}), so there is nothing to ${verb}`;
}

function undoRefusal(it: Reading, { to }: Command): string | undefined {
  const { formerStables, history } = it.status;
  if (deploymentSeen(it)) return noRouteSaid(it);
  if (to === undefined) return formerStables.length > 0 ? noRouteSaid(it) : "nothing was stable before, so there is nothing to go back to";
  return history.some(({ number }) => number === to) ? noRouteSaid(it) : `run ${to} is not among the last ${history.length} runs that status remembers`;
}

/** Of a Deployment: only what its ReplicaSets remember can be written back. */
function templateRefusal(it: Reading, command: Command): string | undefined {
  const deployment = deploymentSeen(it);
  if (!deployment || undoneTemplate(it, command, deployment) !== undefined) return undefined;
  return `${deployment.label} remembers no template to go back to${command.to === undefined ? "" : ` from run ${command.to}`}: apply the one that you want`;
}

function noRouteSaid({ seen: { route } }: Reading): string | undefined {
  return route.kind === "found" ? undefined : route.message;
}

function refusalInRun(it: Reading, run: Run, command: Command): string | undefined {
  const { verb } = command;
  if (verb === "retry") return `run ${run.number} is going on; retry is for a refused revision`;
  if (run.rollingSince !== undefined && verb !== "abort" && verb !== "undo") return `run ${run.number} has passed its last step, and its Deployment rolls already: only abort stops it`;
  if (it.spec.suspend && verb !== "abort" && verb !== "undo") return "spec.suspend is true: set it to false first (abort works nevertheless)";
  if (verb === "pause" && run.pausedBy && run.pausedBy !== "Command") return `run ${run.number} is paused already (${run.pausedBy})`;
  if (verb === "resume") return resumeRefusal(run) ?? noRoomFor(it, run);
  return verb === "promote" ? promoteRefusal(it, run, command) : undefined;
}

function resumeRefusal(run: Run): string | undefined {
  if (!run.pausedBy) return `run ${run.number} is not paused`;
  return run.pausedBy === "Step" ? "the run stands at a pause of its ladder: promote passes it" : undefined;
}

function promoteRefusal(it: Reading, run: Run, command: Command): string | undefined {
  const needsReason = run.pausedBy === "MetricFailed" || run.pausedBy === "HoldLimit";
  if (needsReason && !command.reason) return `the run is paused by ${run.pausedBy}: say why it may go on, with --reason`;
  const step = promotedStep(run, command);
  if (step === undefined) return `expected the weight of a step (${weightsIn(run.ladder).join(", ")}), got ${command.to}`;
  const given = givenAt(run.ladder, step);
  const obstacle = noRoomFor(it, run) ?? askedTwice(it, given.matched ?? []) ?? cannotMirror(it, run, given.mirrored) ?? cannotPreview(it, given.previewed) ?? cannotPinAt(it, run, given.weight);
  if (obstacle || (given.weight <= run.weight && isComparable(given))) return obstacle;
  if (!it.seen.crdIsCurrent) return "the CRD on the server is older than this daemon: apply deploy/crd.yaml first";
  return notReadyFor(it, run.to.version, loadAt(run.ladder, step)) ?? wayBackRefusal(it, run, command);
}

/** Who wants everything on the new version has decided not to go back. */
function wayBackRefusal(it: Reading, run: Run, { full }: Command): string | undefined {
  const obstacle = full || run.direct ? undefined : wayBackObstacle(it, run.from.version);
  return obstacle && `${obstacle}: promote --full gives ${run.to.version} everything nevertheless`;
}

/** A Deployment rolls with all the traffic on its canary: where a hand has left it less at the last step, what is above that comes first. */
function stepAfterOnDeployment(run: Run): number {
  return run.step >= lastStep(run.ladder) ? stepAfter(run) : run.step + 1;
}

/** The step that `promote` goes to; the ladder's length where it ends the run, undefined where `--to` names no step. */
export function promotedStep(run: Run, command: Command): number | undefined {
  if (command.full && run.keptSince === undefined) return lastStep(run.ladder);
  if (command.to === undefined) return run.deployment === undefined ? run.step + 1 : stepAfterOnDeployment(run);
  const found = run.ladder.findIndex((step) => isWeightStep(step) && step.weight === command.to);
  return found < 0 ? undefined : found;
}
