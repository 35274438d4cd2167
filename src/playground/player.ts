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
/** Before and after the mesh is seen to send at least this many requests where the route says, */
const requestsAround = 200;
/** if that takes no longer than this. */
const mostMsAround = 15_000;

/** A sentence where it did not end as told. `title` stands above it; `startedMs` is where the story's clock began. */
export async function play(stage: Stage, display: Display, delivery: Delivery, title: string, startedMs: number): Promise<string | undefined> {
  const stable = stage.called(stage.status()?.stable?.version ?? "");
  const sides: Sides = { stable, canary: delivery.release };
  introduce(display, stage, delivery, title, stable);
  stage.turn(delivery.release, delivery.behaviour);
  await stage.prepare(delivery);
  const telling = createTelling(stage, display, sides, startedMs);
  await tellUntil(() => totalOf(stage.steps().at(-1)?.counts() ?? {}) >= requestsAround, mostMsAround, stage, telling);
  const answersBefore = stage.answers();
  const askedMs = stage.nowMs();
  const runsBefore = endedRuns(stage.status());
  const hasEnded = () => endedRuns(stage.status()) > runsBefore;
  await stage.release(delivery.release);
  await tellUntil(hasEnded, mostMs, stage, telling);
  await tellUntil(() => hasShown(stage.steps().at(-1), delivery, sides), hasEnded() ? mostMsAround : 0, stage, telling);
  telling.finish();
  const trouble = troubleWith(delivery, sides, stage);
  display.say("", ...ending(display, stage, delivery, sides, { trouble, askedMs, answersBefore }));
  return trouble;
}

async function tellUntil(isOver: () => boolean, mostMs: number, stage: Stage, telling: Telling): Promise<void> {
  const endMs = stage.nowMs() + mostMs;
  while (!isOver() && stage.nowMs() < endMs) {
    telling.update();
    await stage.pause();
  }
}

function introduce(display: Display, { moved }: Stage, { introduction, release, rollout, command = `weir release reviews ${release}` }: Delivery, title: string, stable: string): void {
  const { style, say } = display;
  say("", titleLine(title, style), "", ...wrapped(introduction.replaceAll("STABLE", stable)), "");
  if (rollout) say(...rollout.written.map((line) => `    ${style.dim(line)}`), "");
  say(`    $ ${style.bold(command)}`, "", stepHeading(release, style, moved));
}

/** The route is where the delivery should leave it, and enough requests have gone that way. */
function hasShown(step: RouteStep | undefined, { ending, release }: Delivery, { stable }: Sides): boolean {
  const winner = ending === "promoted" ? release : stable;
  return step !== undefined && step.split[winner] === 100 && totalOf(step.counts()) >= requestsAround;
}

function troubleWith(delivery: Delivery, { stable, canary }: Sides, stage: Stage): string | undefined {
  const step = stage.steps().at(-1);
  const trouble = disappointment(delivery, stable, stage.status(), step?.split ?? {});
  const strayed = step ? shareOf(step.counts(), delivery.ending === "promoted" ? stable : canary) : 0;
  const back = delivery.crowd === undefined ? 0 : stage.steps().reduce((sum, { sides }) => sum + (sides().came[stable] ?? 0), 0);
  if (trouble || strayed + back === 0) return trouble;
  if (back > 0) return `expected users to stay, and they came back to ${stable} (${countOf(back)} times)`;
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
  const users = usersSince(answersBefore, stage.answers(), canary);
  const took = clockOf(durationMs(status, askedMs, stage.nowMs()));
  const [first = "", ...rest] = wrapped(status.message, "    ");
  return [
    `  ${good("✓")} ${bold(delivery.ending === "promoted" ? "Delivered" : "Taken back")} after ${took} (${status.phase}, ${status.reason}).`,
    first,
    ...rest,
    ...wrapped(lesson(delivery, stage, canary, users), "    "),
  ];
}

/** What users had of it, and what they would have had. */
function lesson({ ending, behaviour }: Delivery, { moved }: Stage, canary: string, users: Users): string {
  const sent = `Meanwhile users ${moved === "requests" ? "sent" : "opened"} ${countOf(users.requests)} ${moved}; `;
  if (ending === "promoted") return `${sent}${users.failed === 0 ? "none" : countOf(users.failed)} failed.`;
  const [hurt, otherwise] = behaviour.errorRate > 0 ? [users.failed, percentOf(behaviour.errorRate)] : [users.toCanary, "all of them"];
  const what = behaviour.errorRate > 0 ? "failed" : `had to wait for ${canary}`;
  return `${sent}${countOf(hurt)} ${what}: ${percentOf(hurt / Math.max(1, users.requests))}, and with ${canary} for everybody ${otherwise}.`;
}

interface Users {
  readonly requests: number;
  readonly failed: number;
  readonly toCanary: number;
}

function usersSince(before: Readonly<Record<string, number>>, answers: Readonly<Record<string, number>>, canary: string): Users {
  const since = Object.entries(answers).map(([outcome, count]) => {
    const [version, code] = outcome.split(" ");
    return { version, code: Number(code), count: count - (before[outcome] ?? 0) };
  });
  const sum = (some: typeof since) => some.reduce((total, { count }) => total + count, 0);
  return {
    requests: sum(since),
    failed: sum(since.filter(({ code }) => code === 0 || code >= 500)),
    toCanary: sum(since.filter(({ version }) => version === canary)),
  };
}

function durationMs({ run }: RolloutStatus, askedMs: number, nowMs: number): number {
  return (run?.endedAt === undefined ? nowMs : Date.parse(run.endedAt)) - askedMs;
}
