/** Plays a delivery: asks for the version, tells what becomes of it, and checks that it ended as told. */
import type { RolloutStatus } from "../rollout/status.ts";
import { disappointment, type Delivery } from "./deliveries.ts";
import type { Display } from "./display.ts";
import { shareOf, totalOf } from "./mesh/tally.ts";
import { clockOf, countOf, percentOf, stepHeading, titleLine, wrapped } from "./narration.ts";
import type { RouteStep } from "./route-steps.ts";
import type { Stage } from "./stage.ts";
import { createTelling, endedRuns, type Sides, type Telling } from "./telling.ts";

/** A delivery that takes longer did not end as told. */
const mostMs = 180_000;
/** After the end the mesh must be seen to send at least this many requests where the route says, */
const requestsAfterwards = 200;
/** within this time. */
const mostMsAfterwards = 15_000;

/** A sentence where it did not end as told. `title` stands above it; `startedMs` is where the story's clock began. */
export async function play(stage: Stage, display: Display, delivery: Delivery, title: string, startedMs: number): Promise<string | undefined> {
  const stable = stage.status()?.stable?.version ?? "";
  const sides: Sides = { stable, canary: delivery.release };
  introduce(display, delivery, title, stable);
  stage.turn(delivery.release, delivery.behaviour);
  const answersBefore = stage.answers();
  const askedMs = stage.nowMs();
  const telling = createTelling(stage, display, sides, startedMs);
  const runsBefore = endedRuns(stage.status());
  const hasEnded = () => endedRuns(stage.status()) > runsBefore;
  await stage.release(delivery.release);
  await tellUntil(hasEnded, mostMs, stage, telling);
  await tellUntil(() => hasShown(stage.steps().at(-1), delivery, sides), hasEnded() ? mostMsAfterwards : 0, stage, telling);
  telling.finish();
  const trouble = troubleWith(delivery, sides, stage);
  display.say("", ...ending(display, stage, delivery, sides, { trouble, askedMs, answersBefore }), "");
  return trouble;
}

async function tellUntil(isOver: () => boolean, mostMs: number, stage: Stage, telling: Telling): Promise<void> {
  const endMs = stage.nowMs() + mostMs;
  while (!isOver() && stage.nowMs() < endMs) {
    telling.update();
    await stage.pause();
  }
}

function introduce(display: Display, { introduction, release }: Delivery, title: string, stable: string): void {
  const { style, say } = display;
  say("", titleLine(title, style), "", ...wrapped(introduction.replaceAll("STABLE", stable)), "");
  say(`    $ ${style.bold(`weir release reviews ${release}`)}`, "", stepHeading(release, style));
}

/** The route is where the delivery should leave it, and enough requests have gone that way. */
function hasShown(step: RouteStep | undefined, { ending, release }: Delivery, { stable }: Sides): boolean {
  const winner = ending === "promoted" ? release : stable;
  return step !== undefined && step.split[winner] === 100 && totalOf(step.counts()) >= requestsAfterwards;
}

function troubleWith(delivery: Delivery, { stable, canary }: Sides, stage: Stage): string | undefined {
  const step = stage.steps().at(-1);
  const trouble = disappointment(delivery, stable, stage.status(), step?.split ?? {});
  const strayed = step ? shareOf(step.counts(), delivery.ending === "promoted" ? stable : canary) : 0;
  if (trouble || strayed === 0) return trouble;
  return `expected the mesh to send everything where the route says, and ${percentOf(strayed)} went to the other version`;
}

interface Story {
  readonly trouble: string | undefined;
  readonly askedMs: number;
  readonly answersBefore: Readonly<Record<string, number>>;
}

function ending(display: Display, stage: Stage, delivery: Delivery, { canary }: Sides, { trouble, askedMs, answersBefore }: Story): readonly string[] {
  const { good, bad, bold } = display.style;
  if (trouble) return wrapped(trouble).map((line, index) => (index === 0 ? `${bad("✗")}${line.slice(1)}` : line));
  const status = stage.status()!;
  const { requests, failed } = users(stage.answers(), answersBefore);
  const took = clockOf(durationMs(status, askedMs, stage.nowMs()));
  const [first = "", ...rest] = wrapped(status.message, "    ");
  return [
    `  ${good("✓")} ${bold(delivery.ending === "promoted" ? "Delivered" : "Taken back")} after ${took} (${status.phase}, ${status.reason}).`,
    first,
    ...rest,
    ...wrapped(lesson(delivery, canary, requests, failed), "    "),
  ];
}

function lesson({ ending, behaviour }: Delivery, canary: string, requests: number, failed: number): string {
  const all = `Meanwhile users sent ${countOf(requests)} requests, and ${failed === 0 ? "none" : countOf(failed)} failed`;
  if (ending === "promoted") return `${all}. ${canary} serves everybody now.`;
  const otherwise = behaviour.errorRate > 0 ? `${percentOf(behaviour.errorRate)} of them would have, with ${canary} for everybody` : "all of them would have waited, with this version for everybody";
  return `${all} (${percentOf(requests === 0 ? 0 : failed / requests)}): ${otherwise}.`;
}

function users(answers: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>) {
  const since = Object.entries(answers).map(([outcome, count]) => ({ code: Number(outcome.split(" ")[1]), count: count - (before[outcome] ?? 0) }));
  const sum = (some: typeof since) => some.reduce((total, { count }) => total + count, 0);
  return { requests: sum(since), failed: sum(since.filter(({ code }) => code === 0 || code >= 500)) };
}

function durationMs({ run }: RolloutStatus, askedMs: number, nowMs: number): number {
  return (run?.endedAt === undefined ? nowMs : Date.parse(run.endedAt)) - askedMs;
}
