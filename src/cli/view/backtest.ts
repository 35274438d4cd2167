/** A backtest as people read it: each decision with its time and its reason, looks that change nothing counted together. */
import type { Backtest, Instant, Would } from "../../rehearsal/recorded/backtest.ts";
import type { Style } from "../style.ts";
import { spanOf } from "./ages.ts";
import { wrapped } from "./columns.ts";

export interface Replayed extends Backtest {
  readonly name: string;
  readonly fromMs: number;
  readonly canary: string;
  readonly stable: string;
  readonly namespace: string;
}

const SAID: Readonly<Record<Would, string>> = { begin: "begin", advance: "advance", hold: "hold", rollBack: "roll back", pause: "ask a person", finish: "finish" };
const PAINT: Readonly<Record<Would, keyof Style>> = { begin: "accent", advance: "accent", hold: "dim", rollBack: "bad", pause: "warn", finish: "good" };
const INDENT = 34;

export function backtestSaid(replayed: Replayed, style: Style, width: number): readonly string[] {
  const { name, canary, stable, namespace, instants } = replayed;
  return [
    ...wrapped(`What Weir would have decided about ${name}: ${canary} beside ${stable} in namespace ${namespace}.`, width),
    "",
    ...groupsOf(instants).flatMap((group) => groupSaid(group, style, width)),
    "",
    ...wrapped(endSaid(replayed), width),
    ...countedSaid(replayed),
    ...notesOf(replayed).flatMap((note) => wrapped(note, width)).map(style.dim),
  ];
}

/** Looks in a row that would have held the step with each check standing as before. */
function groupsOf(instants: readonly Instant[]): readonly (readonly Instant[])[] {
  const groups: Instant[][] = [];
  for (const instant of instants) {
    const last = groups.at(-1);
    if (last && keyOf(last[0]!) === keyOf(instant)) last.push(instant);
    else groups.push([instant]);
  }
  return groups;
}

function keyOf({ would, weight, checks, atMs }: Instant): string {
  return would === "hold" ? JSON.stringify([weight, checks.map(({ name, verdict }) => [name, verdict])]) : `${would} ${atMs}`;
}

/** The newest reason of the group is the one that stood when it ended. */
function groupSaid(group: readonly Instant[], style: Style, width: number): readonly string[] {
  const [first, last] = [group[0]!, group.at(-1)!];
  const looks = group.length > 1 ? ` (${group.length} looks)` : "";
  const head = `${timeOfDay(first.atMs)}  ${`${Number(last.weight.toFixed(1))}%`.padStart(5)}  `;
  const would = `${SAID[first.would]}${looks}`;
  const [line = "", ...more] = wrapped(last.why, Math.max(30, width - INDENT));
  const padding = " ".repeat(Math.max(1, INDENT - head.length - would.length));
  return [`${head}${style[PAINT[first.would]](would)}${padding}${line}`, ...more.map((each) => " ".repeat(INDENT) + each)];
}

function endSaid({ ending, endedAtMs, fromMs, instants }: Replayed): string {
  const after = `${spanOf(endedAtMs - fromMs)} after the beginning, at ${new Date(endedAtMs).toISOString()}`;
  const weight = `${Number(Math.max(0, ...instants.map((one) => one.weight)).toFixed(1))}%`;
  switch (ending) {
    case "stopped":
      return `Weir would have taken the new version back ${after}; it would have had ${weight} of the traffic at most.`;
    case "asked":
      return `Weir would have stopped to ask a person ${after}.`;
    case "delivered":
      return `Weir would have delivered the new version ${after}.`;
    case "undecided":
      return `The run would still go on when the data ends (${new Date(endedAtMs).toISOString()}), at ${weight} of the traffic.`;
  }
}

function countedSaid({ counted }: Replayed): readonly string[] {
  return counted.map(({ name, canary, stable }) => `${name}: the canary answered ${number(canary.requests)} requests, ${number(canary.bad)} of them badly; stable ${number(stable.requests)}, ${number(stable.bad)} of them.`);
}

function notesOf({ withoutPods }: Replayed): readonly string[] {
  return [
    ...(withoutPods.length > 0 ? [`No data for ${withoutPods.join(", ")}: the query names pods, and which pods there were then is not known any more.`] : []),
    "Decided by the same code as live, from the same queries. The past cannot be changed: what was judged are the shares of the traffic that both really had, not those of the ladder, so whether the canary got its share is not judged.",
    "Taken for granted: pods ready since the beginning, and pauses that wait for somebody promoted at once.",
  ];
}

function timeOfDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}
