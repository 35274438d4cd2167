/** Remembers what was asked last, up to a total weight and for a while; the least recently used goes first. */

export interface Memo {
  get(key: string): unknown;
  set(key: string, value: unknown, weight: number): void;
}

export interface MemoOptions {
  readonly mostWeight: number;
  /** What nobody has asked for in so many milliseconds goes. */
  readonly keptMs: number;
  readonly nowMs?: () => number;
}

interface Kept {
  readonly value: unknown;
  readonly weight: number;
  readonly usedAtMs: number;
}

export function createMemo({ mostWeight, keptMs, nowMs = Date.now }: MemoOptions): Memo {
  const kept = new Map<string, Kept>();
  let total = 0;

  /** Puts it at the end: the first one is the least recently used. */
  function put(key: string, value: unknown, weight: number): void {
    drop(key);
    kept.set(key, { value, weight, usedAtMs: nowMs() });
    total += weight;
  }

  function drop(key: string): void {
    total -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  }

  return {
    get(key) {
      const found = kept.get(key);
      if (found) put(key, found.value, found.weight);
      return found?.value;
    },
    set(key, value, weight) {
      put(key, value, weight);
      for (const [oldest, { usedAtMs }] of kept) {
        if (total <= mostWeight && usedAtMs > nowMs() - keptMs) return;
        drop(oldest);
      }
    },
  };
}
