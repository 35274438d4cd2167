/** A thousand malformed Rollouts through `weir lint` and through the daemon's core: a clear sentence each, no throw, no hang, no write of a route. */
import { beforeAll, describe, expect, test } from "vitest";
import { rolloutOf } from "../../src/kubernetes/rollout-object.ts";
import type { Ports } from "../../src/reconciler/ports.ts";
import { reconcile } from "../../src/reconciler/reconcile.ts";
import type { Rollout } from "../../src/rollout/rollout.ts";
import { flawsOfSentence } from "../support/clear-sentence.ts";
import { malformedRollouts, malformedTexts, type MalformedRollout } from "../support/malformed-rollouts.ts";
import { weir } from "../support/weir.ts";
import { aWorld, type World } from "../support/world.ts";

const SEED = 20_261_126;
const MINUTE = 60_000;
const LADDER = [{ weight: 50, hold: "1m" }, { weight: 100, hold: "1m" }];
const never = new AbortController().signal;

let all: readonly MalformedRollout[];
beforeAll(() => void (all = malformedRollouts(SEED, 1_000)));

/** What `weir lint` answers to a text: its findings, and what is wrong with the way in which it says them. */
async function complaintsOfLint(what: string, text: string, mayBeFine = false): Promise<readonly string[]> {
  const { exitCode, out, err } = await weir(["lint", "-"], { stdin: text });
  const findings = out.split("\n").filter((line) => line !== "");
  const flaws = [...findings.map((line) => line.replace(/^-:\d+: /, "")).flatMap(flawsOfSentence), ...(exitCode === 1 || (mayBeFine && exitCode === 0) ? [] : [`exit code ${exitCode}: ${err}`])];
  return [...flaws, ...(findings.length === 0 && !mayBeFine ? ["no finding"] : [])].map((flaw) => `${what} ${flaw}`);
}

/** Ports through which the Rollout has this spec, as the API server's object would be read. */
function withSpec(world: World, object: MalformedRollout["object"]): Ports {
  const get = (): Rollout | undefined => {
    const rollout = world.ports.rollouts.get(world.rollout().metadata);
    return rollout && { ...rollout, spec: rolloutOf({ ...object, metadata: { name: "reviews" } }).spec };
  };
  return { ...world.ports, rollouts: { ...world.ports.rollouts, get } };
}

/** What the server prunes without a word leaves a spec that is whole. */
const isUnreadable = ({ object }: MalformedRollout): boolean => "invalid" in rolloutOf({ ...object, metadata: { name: "reviews" } }).spec;

async function complaintsOfDaemon(world: World, one: MalformedRollout): Promise<readonly string[]> {
  const lines = world.log.length;
  await reconcile(world.rollout().metadata, withSpec(world, one.object), never);
  world.nowMs += 1_000;
  const { phase, reason, message, conditions } = world.status();
  const routes = world.log.slice(lines).filter((line) => /^\S+ route /.test(line));
  const stalled = conditions.find(({ type }) => type === "Stalled");
  return [
    ...flawsOfSentence(message.replace(/; (?:weir lint says|run 1 of v3 waits).*$/, "")),
    ...(phase === "Degraded" && reason === "InvalidSpec" && stalled?.message === message ? [] : [`is ${phase}/${reason}`]),
    ...routes,
  ].map((flaw) => `${one.what} ${flaw}`);
}

describe("a malformed Rollout", () => {
  test("gets its sentences from weir lint", async () => {
    const complaints: string[] = [];
    for (const { what, object } of all) complaints.push(...(await complaintsOfLint(what, JSON.stringify(object))));
    expect(complaints).toEqual([]);
  }, 120_000);

  test("is said by the daemon at first sight, and no route is written", async () => {
    const complaints: string[] = [];
    for (const one of all.filter(isUnreadable)) complaints.push(...(await complaintsOfDaemon(aWorld(), one)));
    expect(complaints).toEqual([]);
    expect(all.filter(isUnreadable).length).toBeGreaterThan(800);
  }, 120_000);

  test("in mid-run is said, moves nothing, and hinders nothing once it is mended", async () => {
    const world = aWorld({ spec: { strategy: { steps: LADDER } } });
    await world.run(MINUTE, () => (world.rollout().status?.run?.checks.length ?? 0) > 0);
    const complaints: string[] = [];
    for (const one of all.filter(isUnreadable)) complaints.push(...(await complaintsOfDaemon(world, one)));
    expect(complaints).toEqual([]);
    expect(world.route()).toEqual({ v2: 50, v3: 50 });
    await world.run(5 * MINUTE);
    expect(world.route()).toEqual({ v2: 0, v3: 100 });
  }, 120_000);
});

test("a text that editors, merges or enemies left gets sentences, or is fine", async () => {
  const complaints: string[] = [];
  for (const { what, text } of malformedTexts(SEED, 200)) complaints.push(...(await complaintsOfLint(what, text, true)));
  expect(complaints).toEqual([]);
}, 120_000);
