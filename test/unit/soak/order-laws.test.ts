/** The soak's laws about the order of writes find what is wrong, and only that. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/rollout/status.ts";
import { brokenOrder, forgetting, type OrderRecord, type RouteWrite } from "../../soak/order-laws.ts";

const ROLLOUT = "uid-1";

function write(revision: number, share: number, stamp?: readonly [run: number, epoch: number]): RouteWrite {
  return { revision, shares: { v1: 100 - share, v2: share }, ...(stamp && { stamp: { uid: ROLLOUT, run: stamp[0], epoch: stamp[1] } }) };
}

const commit = (revision: number, run: number, epoch: number) => ({ uid: ROLLOUT, run, epoch, revision });
const end = (revision: number, run: number, outcome: Outcome, to = "v2") => ({ uid: ROLLOUT, run, to, outcome, revision });

/** Run 1 goes to 10 and to 50, and is taken back. */
const takenBack: OrderRecord = {
  commits: [commit(10, 1, 1), commit(20, 1, 2), commit(30, 1, 3)],
  ends: [end(30, 1, "RolledBack")],
  writes: [write(5, 0), write(11, 10, [1, 1]), write(21, 50, [1, 2]), write(31, 0)],
};

describe("the order of writes", () => {
  it("is as it should be in a run that was taken back, and in the next one", () => {
    expect(brokenOrder(takenBack)).toEqual([]);
    const next: OrderRecord = {
      commits: [...takenBack.commits, commit(40, 2, 1), commit(50, 2, 2)],
      ends: [...takenBack.ends, end(50, 2, "Succeeded")],
      writes: [...takenBack.writes, write(41, 10, [2, 1]), write(51, 100)],
    };
    expect(brokenOrder(next)).toEqual([]);
    expect(brokenOrder(forgetting(next))).toEqual([]);
  });

  it.each([
    ["a share that rises after the rollback", { ...takenBack, writes: [...takenBack.writes, write(35, 50)] }, "at 35 the route gave v2 50% after 0%"],
    ["a late write of the run that was taken back", { ...takenBack, writes: [...takenBack.writes, write(35, 50, [1, 2])] }, "at 35 the route gave v2 50% after 0%"],
    ["a share that rises before the next run has written", { ...takenBack, writes: [...takenBack.writes, write(35, 10), write(41, 50, [2, 1])] }, "at 35 the route gave v2 10% after 0%"],
    ["a write before its commit", { ...takenBack, writes: [write(5, 0), write(9, 10, [1, 1])] }, "shows intent 1.1, which was committed only at 10"],
    ["a write that was never committed", { ...takenBack, writes: [write(5, 0), write(11, 10, [1, 7])] }, "shows intent 1.7, which was committed never"],
    ["a write of a Rollout that is not there", { ...takenBack, writes: [{ ...write(11, 10, [1, 1]), stamp: { uid: "uid-2", run: 1, epoch: 1 } }] }, "committed never"],
  ] as const)("is broken by %s", (_, record, sentence) => {
    expect(brokenOrder(record)).toEqual([expect.stringContaining(sentence)]);
  });

  it("lets one write land that was under way when the end was committed, and still knows its commit when the run is forgotten", () => {
    const late: OrderRecord = { ...takenBack, writes: [...takenBack.writes.slice(0, 2), write(32, 50, [1, 2]), write(33, 0)] };
    const [second, third] = [end(50, 2, "Succeeded"), end(60, 3, "Succeeded")];
    expect(brokenOrder({ ...late, ends: [...late.ends, second] })).toEqual([]);
    const remembered = forgetting({ ...late, ends: [...late.ends, second] });
    expect(brokenOrder({ ...remembered, ends: [...remembered.ends, third] })).toEqual([]);
    expect(brokenOrder({ ...late, writes: [...late.writes, write(34, 50, [1, 2])] })).toEqual([expect.stringContaining("at 34 the route gave v2 50% after 0%")]);
  });

  it("leaves open what the other watch may not have told yet", () => {
    expect(brokenOrder({ ...takenBack, writes: [...takenBack.writes, write(61, 10, [2, 1])] })).toEqual([]);
  });
});
