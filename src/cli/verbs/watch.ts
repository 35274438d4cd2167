/** `weir watch`: follows a Rollout live. */
import type { Command } from "commander";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { withCluster, type Cluster } from "../cluster.ts";
import { globalOptionsOf } from "../options.ts";
import { goalOf } from "../settled.ts";
import { styleFor } from "../style.ts";
import { getRollout } from "../targets.ts";
import { untilSettled } from "../until-settled.ts";
import { createLines } from "../view/lines.ts";
import { portraitOf } from "../view/portrait.ts";
import { createScreen } from "../view/screen.ts";
import type { World } from "../world.ts";

export function configure(command: Command, world: World): void {
  command
    .description("Follows a Rollout live until it is Healthy; without a terminal it prints a line for each change.\nEnds as weir wait does: 0 Healthy, 4 Degraded, 5 Paused and a person is needed, 6 on timeout, 7 superseded.")
    .argument("<name>", "name of a Rollout")
    .action((name: string) => withCluster(world, globalOptionsOf(command), (cluster) => watch(command, world, cluster, name)));
}

async function watch(command: Command, world: World, cluster: Cluster, name: string): Promise<void> {
  const globals = globalOptionsOf(command);
  const style = styleFor(world, globals);
  const object = await getRollout(cluster, name);
  const goal = goalOf("Healthy");
  if (!world.isTty) {
    const lines = createLines();
    return untilSettled(cluster, object, goal, globals.timeoutMs, (state) => lines(rolloutOf(state)).forEach((line) => world.out(line)));
  }
  const screen = createScreen(world);
  let rollout = rolloutOf(object);
  const draw = (): void => screen.draw(portraitOf(rollout, undefined, { style, nowMs: world.nowMs() }));
  const clock = setInterval(draw, 1_000); // spans grow although nothing changes
  world.interrupted.addEventListener("abort", () => screen.leave(), { once: true });
  try {
    await untilSettled(cluster, object, goal, globals.timeoutMs, (state) => {
      rollout = rolloutOf(state);
      draw();
    });
  } finally {
    clearInterval(clock);
    screen.leave();
  }
}
