/** After the story: goes on telling what happens to the route, whoever makes it happen. */
import type { Display } from "./display.ts";
import { stepHeading, titleLine } from "./narration.ts";
import type { Stage } from "./stage.ts";
import { createTelling } from "./telling.ts";

/** For ever. */
export async function watchOn(stage: Stage, display: Display, startedMs: number): Promise<never> {
  for (;;) {
    const run = stage.status()?.run;
    const sides = { stable: stage.called(run?.from.version ?? ""), canary: stage.called(run?.to.version ?? "") };
    display.say(stepHeading(sides.canary, display.style, stage.moved));
    const telling = createTelling(stage, display, sides, startedMs);
    while (stage.status()?.run?.number === run?.number) {
      telling.update();
      await stage.pause();
    }
    telling.finish();
    const { from, to } = stage.status()?.run ?? {};
    display.say("", titleLine(`Somebody asked for ${to?.version}, in place of ${from?.version}`, display.style), "");
  }
}
