/** Says a thing again that lost a race, since a run's status is written often and each write makes what was read stale; or that a busy server did not answer. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../kubernetes/client.ts";
import { Conflict, Unreachable } from "../kubernetes/errors.ts";

const MOST_ATTEMPTS = 25;
/** Each may take as long as the client's deadline. */
const MOST_UNANSWERED = 3;

/**
 * `act` gets the Rollout as it was read last, and must know again what it did before: an attempt that was not answered may
 * have been done. Throws `Conflict` where others are always faster, `Unreachable` where the server answers none of three.
 */
export async function withFreshReads<Result>(client: KubernetesClient, object: KubernetesObject, act: (present: KubernetesObject) => Promise<Result>): Promise<Result> {
  let present = object;
  let unanswered = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(present);
    } catch (error) {
      if (error instanceof Unreachable) unanswered += 1;
      else if (!(error instanceof Conflict)) throw error;
      if (attempt === MOST_ATTEMPTS || unanswered === MOST_UNANSWERED) throw error;
      present = await client.get(RESOURCES.rollouts, object.metadata.namespace, object.metadata.name);
    }
  }
}
