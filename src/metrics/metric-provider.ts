/** Port: where numbers about requests come from. */
import type { Measurement, Question } from "../rollout/analysis/measurement.ts";

export interface MetricProvider {
  /**
   * Answers one question at its instant. Never throws for trouble with the provider: that is an `error` measurement.
   * Settles soon after the signal aborts, by throwing its reason.
   */
  measure(question: Question, signal: AbortSignal): Promise<Measurement>;
}
