/** One sentence on why the pods of a version are not ready. */
import { conditionOf, isReady, type ContainerStatus, type Pod } from "./pods.ts";

/** Longest text of others that is passed on, in characters. */
const LONGEST_MESSAGE = 200;
/** States that every starting pod goes through. */
const STARTING = ["ContainerCreating", "PodInitializing"];

/** Undefined where every pod is ready, or has only just begun. */
export function podProblemOf(pods: readonly Pod[]): string | undefined {
  const unready = pods.filter((pod) => !isReady(pod));
  const problems = unready.flatMap((pod) => problemOf(pod) ?? []);
  const [first] = problems.sort((one, other) => one.rank - other.rank);
  return first && `${unready.length} of ${pods.length} pods are not ready: ${first.sentence}`;
}

/** `rank`: what explains most comes first. */
interface Problem {
  readonly rank: number;
  readonly sentence: string;
}

function problemOf(pod: Pod): Problem | undefined {
  return unscheduled(pod) ?? failed(pod) ?? stuckContainer(pod) ?? unready(pod);
}

function unscheduled(pod: Pod): Problem | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (scheduled?.status !== "False") return undefined;
  return { rank: 0, sentence: `${pod.metadata.name} cannot be scheduled${because(scheduled.message ?? scheduled.reason)}` };
}

function failed({ metadata, status }: Pod): Problem | undefined {
  if (status.phase !== "Failed") return undefined;
  return { rank: 1, sentence: `${metadata.name} has failed${because(withReason(status.reason, status.message))}` };
}

function stuckContainer(pod: Pod): Problem | undefined {
  const containers = [...pod.status.initContainerStatuses.filter(isStuckInit), ...pod.status.containerStatuses];
  const stuck = containers.find(({ state }) => isStuck(state.waiting?.reason)) ?? containers.find(({ state }) => state.terminated);
  return stuck && { rank: 0, sentence: `container ${stuck.name} of ${pod.metadata.name} ${stateInWords(stuck)}` };
}

function unready(pod: Pod): Problem | undefined {
  const containers = pod.status.containerStatuses;
  const waiting = containers.find(({ state }) => state.waiting);
  if (waiting) return { rank: 3, sentence: `container ${waiting.name} of ${pod.metadata.name} ${stateInWords(waiting)}` };
  const probed = containers.find((container) => !container.ready);
  if (probed) return { rank: 2, sentence: `container ${probed.name} of ${pod.metadata.name} runs, and its readiness probe does not pass` };
  const ready = conditionOf(pod, "Ready");
  return ready?.reason === undefined ? undefined : { rank: 2, sentence: `${pod.metadata.name} is not ready${because(withReason(ready.reason, ready.message))}` };
}

function isStuckInit({ state }: ContainerStatus): boolean {
  return isStuck(state.waiting?.reason) || (state.terminated?.exitCode ?? 0) !== 0;
}

function isStuck(reason: string | undefined): boolean {
  return reason !== undefined && !STARTING.includes(reason);
}

function stateInWords({ state: { waiting, terminated } }: ContainerStatus): string {
  if (waiting) return `waits${because(withReason(waiting.reason, waiting.message))}`;
  return `ended with exit code ${terminated?.exitCode}${because(withReason(terminated?.reason, terminated?.message))}`;
}

function withReason(reason: string | undefined, message: string | undefined): string | undefined {
  return [reason, message].filter(Boolean).join(", ");
}

function because(text: string | undefined): string {
  if (!text) return "";
  return `: ${text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text}`;
}
