/** A pause of the ladder, in words. */
import type { Case } from "../case.ts";
import type { Given } from "../ladder.ts";
import { standingSaid } from "../portion.ts";
import type { PauseStep } from "../spec-steps.ts";

/** What waits, until when, and what goes on: the end of a sentence about a version. */
export function pauseSaid({ rollout: { metadata: { name, namespace } } }: Pick<Case, "rollout">, given: Given, { pause: { duration } }: PauseStep): string {
  const until = duration ? `for ${duration}` : "until somebody says promote";
  return `waits ${standingSaid(given)} ${until}: weir promote ${name} -n ${namespace} goes on, weir abort ${name} -n ${namespace} takes it back`;
}
