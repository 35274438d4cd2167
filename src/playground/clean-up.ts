/** Remembers how to undo what was started, and undoes it in reverse. */

export interface CleanUp {
  add(undo: () => Promise<void> | void): void;
  /** Undoes everything once, the last thing first; goes on where one fails, and then throws what failed. */
  run(): Promise<void>;
}

export function createCleanUp(): CleanUp {
  const undos: (() => Promise<void> | void)[] = [];
  return {
    add: (undo) => void undos.push(undo),
    run: async () => {
      const failures: unknown[] = [];
      for (const undo of undos.splice(0).reverse()) {
        try {
          await undo();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, "not everything could be ended");
    },
  };
}
