/** `deployment` as users write it: what is updated in place. */
import { z } from "zod";
import { Count, ObjectName } from "./spec-fields.ts";

export const Deployment = z.object({
  name: ObjectName.describe("Name of the Deployment, in the Rollout's namespace. It stays yours, and stays the stable workload: what is new runs beside it first."),
  onRollback: z
    .enum(["keep", "revert"])
    .default("keep")
    .describe("keep (default): the Deployment holds the template that was taken back, and its pods run the one before; revert: that one is written back into it."),
  maxCanaryReplicas: Count(1, 1000).optional().describe("The most pods that the new template gets before it is promoted. Default: as many as the share of the traffic needs."),
});
