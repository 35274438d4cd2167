/** The hashes that the outbox keeps in a simulated Redis. */
import type { Redis } from "ioredis";
import type { RedisLink } from "../../../src/scheduler/redis-link.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";

type Hash = Map<string, string>;

/** The few commands that the outbox knows. */
export function createHashes() {
  const hashes = new Map<string, Hash>();
  const hashOf = (key: string): Hash => {
    const hash = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, hash);
    return hash;
  };
  const transaction = (answer: (act: () => void) => Promise<unknown>) => {
    const acts: (() => void)[] = [];
    const chain = {
      hset: (key: string, field: string, value: string) => queued(() => hashOf(key).set(field, value)),
      hdel: (key: string, ...fields: string[]) => queued(() => fields.forEach((field) => hashOf(key).delete(field))),
      expire: () => chain,
      exec: () => answer(() => acts.forEach((act) => act())),
    };
    const queued = (act: () => void) => {
      acts.push(act);
      return chain;
    };
    return chain;
  };
  return {
    clear: () => hashes.clear(),
    linkOf(process: Process, dice: Dice, isUp: () => boolean): RedisLink {
      const answer = <T>(act: () => T): Promise<T> =>
        new Promise((resolve, reject) => {
          process.time.after(dice.between(1, 5), () => (isUp() ? resolve(act()) : reject(new Error("Connection is closed."))));
        });
      const commands = {
        hgetall: (key: string) => answer(() => Object.fromEntries(hashOf(key))),
        hget: (key: string, field: string) => answer(() => hashOf(key).get(field) ?? null),
        multi: () => transaction(answer),
      } as unknown as Redis;
      return { commands, jobs: commands, isReady: isUp, whenReady: () => undefined, close: () => undefined };
    },
  };
}
