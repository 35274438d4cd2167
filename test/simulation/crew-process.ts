/** A process that does jobs of the simulation, one after the other, as they are sent to it. */
import { done, type Job } from "./jobs.ts";

process.on("message", (job: Job) => {
  void done(job).then((result) => process.send!(result));
});
process.once("disconnect", () => process.exit());
