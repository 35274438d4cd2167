/** Asks for many Rollouts at one instant in one query, and remembers the answers: many ticks, few requests. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Answer } from "./answer.ts";
import type { Names } from "./dialect.ts";
import { createMemo } from "./memo.ts";
import { PrometheusError } from "./prometheus-error.ts";
import { bothSides, type Shape } from "./shapes.ts";
import type { Target } from "./targets.ts";

export interface BatcherOptions {
  /** How long the first question waits for others; at most 50. */
  readonly collectMs: number;
  /** Names of workloads in one query. */
  readonly maxNames: number;
  /** Numbers kept in memory of earlier answers. */
  readonly maxRemembered: number;
}

export interface Batcher {
  /**
   * What `shape` says about `names` at the instant. The same question at the same instant gets the same answer while it is remembered.
   * Throws a PrometheusError when the query fails, the signal's reason as soon as it aborts.
   */
  ask<T>(target: Target, shape: Shape<T>, names: Names, instantMs: number, signal: AbortSignal): Promise<T>;
}

/** Longer than most intervals: who looks again finds the counters of the look before. */
const REMEMBERED_MS = 5 * 60_000;

/** One who waits. */
interface Seat {
  readonly names: Names;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Batch {
  readonly id: string;
  readonly target: Target;
  readonly shape: Shape<unknown>;
  readonly instantMs: number;
  readonly seats: Set<Seat>;
  readonly workloads: Set<string>;
  /** Aborts when nobody waits any more. */
  readonly abandoned: AbortController;
}

export function createBatcher({ collectMs, maxNames, maxRemembered }: BatcherOptions): Batcher {
  const memo = createMemo({ mostWeight: maxRemembered, keptMs: REMEMBERED_MS });
  const collecting = new Map<string, Batch>();

  function batchFor(target: Target, shape: Shape<unknown>, instantMs: number): Batch {
    const id = `${target.key} ${shape.id} ${instantMs}`;
    const open = collecting.get(id);
    if (open && !open.abandoned.signal.aborted) return open;
    const batch: Batch = { id, target, shape, instantMs, seats: new Set(), workloads: new Set(), abandoned: new AbortController() };
    collecting.set(id, batch);
    setTimeout(() => send(batch), collectMs);
    return batch;
  }

  /** The open batch, or a new one where this Rollout's names would make it too long. */
  function batchWithRoom(target: Target, shape: Shape<unknown>, names: Names, instantMs: number): Batch {
    const batch = batchFor(target, shape, instantMs);
    const added = new Set(bothSides(names).filter((workload) => !batch.workloads.has(workload)));
    if (batch.seats.size === 0 || added.size === 0 || batch.workloads.size + added.size <= maxNames) return batch;
    send(batch);
    return batchFor(target, shape, instantMs);
  }

  function remember(batch: Batch, names: Names, result: unknown): void {
    const weight = batch.shape.weight(result);
    if (weight > 0) memo.set(keyOf(batch, names), result, weight);
  }

  /** Nothing is left to do at the end of its time for a batch that was full before. */
  function send(batch: Batch): void {
    if (collecting.get(batch.id) !== batch) return;
    collecting.delete(batch.id);
    if (batch.seats.size > 0) void answer(batch, (names, result) => remember(batch, names, result));
  }

  return {
    ask: <T>(target: Target, shape: Shape<T>, names: Names, instantMs: number, signal: AbortSignal) => {
      const known = memo.get(keyOf({ id: `${target.key} ${shape.id} ${instantMs}` }, names));
      if (known !== undefined) return Promise.resolve(known as T);
      const batch = batchWithRoom(target, shape, names, instantMs);
      for (const workload of bothSides(names)) batch.workloads.add(workload);
      return takeSeat(batch, names, signal) as Promise<T>;
    },
  };
}

function keyOf({ id }: Pick<Batch, "id">, { namespace, canary, stable }: Names): string {
  return `${id} ${namespace}/${canary.join()}/${stable.join()}`;
}

function takeSeat(batch: Batch, names: Names, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      signal.removeEventListener("abort", leave);
      batch.seats.delete(seat);
      outcome();
    };
    const seat: Seat = { names, resolve: (result) => settle(() => resolve(result)), reject: (error) => settle(() => reject(error)) };
    const leave = (): void => {
      seat.reject(signal.reason as Error);
      if (batch.seats.size === 0) batch.abandoned.abort();
    };
    batch.seats.add(seat);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
  });
}

type Remember = (names: Names, result: unknown) => void;

/** Settles every seat. One query for all; where that is refused for what it asks, each its own, so that one cannot spoil it for the others. */
async function answer(batch: Batch, remember: Remember): Promise<void> {
  const seats = [...batch.seats];
  try {
    await answerTogether(batch, seats, remember);
  } catch (error) {
    const alone = error instanceof PrometheusError && error.isAboutTheQuery && distinct(seats).length > 1;
    if (alone) await Promise.all(seatsByNames(seats).map((same) => answerTogether(batch, same, remember).catch((own: unknown) => rejectAll(same, own))));
    else rejectAll(seats, error);
  }
}

async function answerTogether({ target, shape, instantMs, abandoned }: Batch, seats: readonly Seat[], remember: Remember): Promise<void> {
  const promql = shape.promql(distinct(seats));
  const answered = shape.range
    ? target.queryRange(promql, { startMs: instantMs - shape.range.windowMs, endMs: instantMs, stepMs: shape.range.stepMs }, abandoned.signal)
    : target.query(promql, instantMs, abandoned.signal);
  const told = readAll(shape, { answer: await answered, instantMs }, seats);
  for (const [index, { same, outcome }] of told.entries()) {
    // What one Rollout's answer leads to is on its way before the next one is told: a rollback does not wait until all have decided.
    if (index > 0) await nextTurn();
    if ("error" in outcome) {
      rejectAll(same, outcome.error);
      continue;
    }
    remember(same[0]!.names, outcome.result);
    for (const seat of same) seat.resolve(outcome.result);
  }
}

interface Told {
  readonly same: readonly Seat[];
  /** What is wrong with one Rollout's counters is wrong for no other. */
  readonly outcome: { readonly result: unknown } | { readonly error: unknown };
}

/** The worst first: whose requests fail may have to be taken back. */
function readAll(shape: Shape<unknown>, { answer, instantMs }: { answer: Answer; instantMs: number }, seats: readonly Seat[]): readonly Told[] {
  const read = shape.reader(answer, instantMs);
  const all = seatsByNames(seats).map((same): Told => ({ same, outcome: attempt(() => read(same[0]!.names)) }));
  const suspicion = ({ outcome }: Told): number => ("error" in outcome ? 0 : (shape.suspicion?.(outcome.result) ?? 0));
  const ranked = all.map((one) => ({ one, rank: suspicion(one) }));
  return ranked.sort((one, other) => other.rank - one.rank).map(({ one }) => one);
}

function attempt(read: () => unknown): Told["outcome"] {
  try {
    return { result: read() };
  } catch (error) {
    return { error };
  }
}

function rejectAll(seats: readonly Seat[], error: unknown): void {
  for (const seat of seats) seat.reject(error as Error);
}

function distinct(seats: readonly Seat[]): readonly Names[] {
  return seatsByNames(seats).map((same) => same[0]!.names);
}

function seatsByNames(seats: readonly Seat[]): readonly (readonly Seat[])[] {
  const groups = new Map<string, Seat[]>();
  for (const seat of seats) {
    const key = keyOf({ id: "" }, seat.names);
    groups.set(key, [...(groups.get(key) ?? []), seat]);
  }
  return [...groups.values()];
}
