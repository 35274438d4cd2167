/** Says a thing again that lost a race: a run's status is written often, and each write makes what was read stale. */
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../kubernetes/client.ts";
import { Conflict } from "../kubernetes/errors.ts";

const MOST_ATTEMPTS = 25;

/** `act` gets the Rollout as it was read last; throws `Conflict` where others are always faster. */
export async function withFreshReads<Result>(client: KubernetesClient, object: KubernetesObject, act: (present: KubernetesObject) => Promise<Result>): Promise<Result> {
  let present = object;
  for (let attempt = 1; ; attempt++) {
    try {
      return await act(present);
    } catch (error) {
      if (!(error instanceof Conflict) || attempt === MOST_ATTEMPTS) throw error;
      present = await client.get(RESOURCES.rollouts, object.metadata.namespace, object.metadata.name);
    }
  }
}
