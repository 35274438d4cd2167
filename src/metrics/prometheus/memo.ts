/** Remembers what was asked last, up to a total weight; the least recently used goes first. */

export interface Memo {
  get(key: string): unknown;
  set(key: string, value: unknown, weight: number): void;
}

export function createMemo(mostWeight: number): Memo {
  const kept = new Map<string, { readonly value: unknown; readonly weight: number }>();
  let total = 0;

  function drop(key: string): void {
    total -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  }

  return {
    get(key) {
      const found = kept.get(key);
      if (!found) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.value;
    },
    set(key, value, weight) {
      drop(key);
      kept.set(key, { value, weight });
      total += weight;
      for (const oldest of kept.keys()) {
        if (total <= mostWeight) return;
        drop(oldest);
      }
    },
  };
}
