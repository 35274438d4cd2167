/** Does a thing for several Rollouts at once, and tells of each. */
import type { KubernetesObject } from "../../kubernetes/client.ts";
import { Failure } from "../failure.ts";
import { endingOf } from "../sentences.ts";
import type { World } from "../world.ts";

/** Tells each sentence with the Rollout's name; the first failure decides how the command ends. */
export async function forEach(objects: readonly KubernetesObject[], world: World, act: (object: KubernetesObject) => Promise<string>): Promise<void> {
  const isOne = objects.length === 1;
  const failures: number[] = [];
  await Promise.all(
    objects.map(async (object) => {
      try {
        world.out(`${object.metadata.name}: ${await act(object)}`);
      } catch (error) {
        if (isOne) throw error;
        const { sentence, exitCode } = endingOf(error, world);
        world.err(`weir: ${object.metadata.name}: ${sentence}`);
        failures.push(exitCode);
      }
    }),
  );
  if (failures.length > 0) throw new Failure("", failures[0]!);
}
