/** The one true time of a simulated world: events in order, and everything that is ready to run in between runs. */

export interface WorldClock {
  readonly nowMs: number;
  /** Runs `event` once, `delayMs` from now. */
  after(delayMs: number, event: () => void): () => void;
  /** Until that time, or until `isOver` says so after an event. */
  run(untilMs: number, isOver: () => boolean): Promise<void>;
  /** To a time before which nothing is due. */
  skipTo(timeMs: number): void;
  /** Events that have happened. */
  readonly steps: number;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  event: (() => void) | undefined;
}

export function createWorldClock(startMs: number): WorldClock {
  const heap: Entry[] = [];
  const clock = { nowMs: startMs, steps: 0 };
  let order = 0;
  return Object.assign(clock, {
    after(delayMs: number, event: () => void) {
      const entry: Entry = { atMs: clock.nowMs + Math.max(0, delayMs), order: order++, event };
      push(heap, entry);
      return () => void (entry.event = undefined);
    },
    skipTo: (timeMs: number) => void (clock.nowMs = timeMs),
    async run(untilMs: number, isOver: () => boolean) {
      await settled();
      for (let entry = heap[0]; entry && entry.atMs <= untilMs && !isOver(); entry = heap[0]) {
        pop(heap);
        if (!entry.event) continue;
        clock.nowMs = entry.atMs;
        clock.steps++;
        entry.event();
        await settled();
      }
      if (!isOver()) clock.nowMs = Math.max(clock.nowMs, untilMs);
    },
  });
}

/** When every promise that can settle has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(entry, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    const child = smallerChild(heap, index);
    if (child === undefined || !isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}

function smallerChild(heap: readonly Entry[], index: number): number | undefined {
  const [left, right] = [2 * index + 1, 2 * index + 2];
  if (left >= heap.length) return undefined;
  return right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left;
}
