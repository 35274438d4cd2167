/** `RolloutRun`: the record of one ended run, written once; it outlives its Rollout. */
import { z } from "zod";
import { NotificationEvent } from "./spec.ts";
import { Step } from "./spec-steps.ts";
import { Check, Evidence, Outcome, ShareEvidence, VersionRevision } from "./status.ts";

export const RUN_KIND = "RolloutRun";
export const RUN_PLURAL = "rolloutruns";
export const RUN_LABELS = { rollout: "weir.dev/rollout", uid: "weir.dev/rollout-uid", outcome: "weir.dev/outcome" } as const;

/** What a target had been told when the run ended; the ending itself is told after its record is written. */
const Told = z.object({
  target: z.string(),
  event: NotificationEvent,
  /** The provider's handle on the run's message: where the thread is. */
  message: z.string().optional(),
  failing: z.string().optional(),
});

export const RolloutRunSpec = z.object({
  rollout: z.object({ name: z.string(), uid: z.string() }).describe("Whose run it was. Another Rollout of the same name has another uid."),
  number: z.int().describe("The run's number, counted for each Rollout."),
  from: VersionRevision.describe("What was stable when the run began."),
  to: VersionRevision.describe("What the run tried."),
  outcome: Outcome.describe("Succeeded, RolledBack, Aborted or Superseded."),
  actor: z.string().optional().describe("Who ended the run, or began it. Absent: Weir by itself."),
  reason: z.string().describe("Why it ended so."),
  message: z.string().describe("What was said when it ended: the same sentence as in the Rollout's status and in notifications."),
  startedAt: z.string().describe("When it began (RFC 3339)."),
  endedAt: z.string().describe("When it ended (RFC 3339)."),
  peak: z.number().describe("Highest share of the traffic that the new version reached, in percent."),
  ladder: z.array(Step).describe("The steps that it went through, as they were last."),
  wouldRollBack: z.string().optional().describe("Observe mode: why Weir would have taken the new version back."),
  checks: z.array(Check).describe("The last verdict of each check."),
  evidence: z.array(Evidence).optional().describe("What the whole run has shown, for each metric that is compared."),
  share: ShareEvidence.optional().describe("Whether the new version got its share of the requests at all."),
  told: z.array(Told).describe("Who had been told what."),
  resolved: z.record(z.string(), z.unknown()).describe("The Rollout's spec when the run ended, with every default filled in."),
});
export type RolloutRunSpec = z.infer<typeof RolloutRunSpec>;

/** A record as it is to be written. */
export interface RunRecord {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: RolloutRunSpec;
}

const MOST_NAME_CHARS = 253;
const MOST_LABEL_CHARS = 63;

/** The same for the same run, so that a record that is written twice is found out. */
export function runNameOf({ name, uid }: RolloutRunSpec["rollout"], number: number): string {
  const ending = `-${uid.slice(0, 8)}-${number}`;
  return shortened(name, MOST_NAME_CHARS - ending.length) + ending;
}

/** A Rollout's name as the label has it: of a very long one the beginning. */
export function runLabelOf(name: string): string {
  return shortened(name, MOST_LABEL_CHARS);
}

/** Still a name: it ends with a letter or digit. */
function shortened(name: string, most: number): string {
  return name.length <= most ? name : name.slice(0, most).replace(/[^a-z0-9]+$/, "");
}
