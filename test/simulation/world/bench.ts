/** Where the laws sit and watch, and where the story is written down. */
import { LAWS, type LawName } from "../laws/all-laws.ts";
import type { Law, Watch } from "../laws/law.ts";
import type { ObjectVersion } from "./api-server.ts";
import { createFacts, isOfEdge, isOfRoute } from "./facts.ts";
import { lineOf } from "./telling.ts";
import { NOON, type Watchers } from "./world.ts";

export interface Violation {
  readonly law: LawName | "noUnexpectedError";
  readonly sentence: string;
  readonly atMs: number;
}

export interface Bench {
  readonly watchers: Watchers;
  /** Empty unless it tells. */
  readonly story: readonly string[];
  /** Present once the world has begun. */
  facts(): ReturnType<typeof createFacts>;
  violation(): Violation | undefined;
  /** Asks what is to hold at the end. */
  end(): void;
  lookEvery(everyMs: number): void;
}

export function createBench(tells: boolean): Bench {
  let facts: ReturnType<typeof createFacts> | undefined;
  const present = (): ReturnType<typeof createFacts> => facts!;
  const jury = createJury(() => present().clock.nowMs);
  const story: string[] = [];
  const tell = (who: string, what: string): void => {
    if (tells) story.push(`${new Date(facts?.clock.nowMs ?? NOON).toISOString().slice(11, 23)} ${who.padEnd(9)} ${what}`);
  };
  const look = (everyMs: number): void => {
    jury.ask((watch) => watch.onTime?.());
    present().clock.after(everyMs, () => look(everyMs));
  };
  const see = (version: ObjectVersion): void => {
    present().see(version);
    const line = tells ? lineOf(present(), version) : undefined;
    if (line) tell(line.who, line.what);
    if (isOfRoute(version)) jury.ask((watch) => watch.onRoute?.(version));
    if (isOfEdge(version)) jury.ask((watch) => watch.onEdge?.(version));
    if (version.kind === "rollouts") jury.ask((watch) => watch.onRollout?.(version));
    if (version.kind === "rolloutRuns") jury.ask((watch) => watch.onRecord?.(version));
    jury.ask((watch) => watch.onVersion?.(version));
  };
  const begin: Watchers["begin"] = ({ scene, server, clock }, truth) => {
    facts = createFacts({ scene, server, clock }, truth);
    jury.begin(facts);
    server.follow(see);
  };
  const onArrival: Watchers["onArrival"] = (arrival) => {
    present().arrive(arrival);
    jury.ask((watch) => watch.onArrival?.(arrival));
  };
  const onTick: Watchers["onTick"] = (author) => void present().ticks.set(author, [...(present().ticks.get(author) ?? []).slice(-500), present().clock.nowMs]);
  const watchers: Watchers = { tell, begin, onArrival, onTick, onAnswer: (answered) => void present().answers.push(answered), onDelivery: (notice) => void present().deliveries.push(notice) };
  return { watchers, story, facts: present, violation: jury.violation, end: () => jury.ask((watch) => watch.onEnd?.()), lookEvery: (everyMs) => void present().clock.after(everyMs, () => look(everyMs)) };
}

/** All laws; the first violation stands. */
function createJury(nowMs: () => number) {
  const watches: { readonly name: LawName; readonly watch: Watch }[] = [];
  let violation: Violation | undefined;
  return {
    violation: () => violation,
    begin(facts: Parameters<(typeof LAWS)[LawName]["watch"]>[0]) {
      const laws = Object.entries(LAWS as Readonly<Record<LawName, Law>>).filter(([, { of }]) => of === undefined || (of === "deployments") === (facts.scene.deployment !== undefined));
      for (const [name, law] of laws) watches.push({ name: name as LawName, watch: law.watch(facts) });
    },
    ask(question: (watch: Watch) => string | undefined) {
      if (violation) return;
      for (const { name, watch } of watches) {
        const sentence = question(watch);
        if (sentence) violation ??= { law: name, sentence, atMs: nowMs() };
      }
    },
  };
}
