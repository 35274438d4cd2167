/** The playground's scenarios as a newcomer sees them: they tell what really happens, and say so with their exit codes. */
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runPlayground, stepsIn } from "../support/playground.ts";
import { IS_WHOLE_RUN, shortened } from "../support/whole-run.ts";

describe("a scenario", () => {
  it("that is good ends with everything on the new version, step by step", { timeout: 240_000 }, async () => {
    const playground = runPlayground("--scenario", "good", "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    const steps = stepsIn(playground.output());
    expect(steps.map(([route]) => route)).toEqual(["100/0", "90/10", "75/25", "50/50", "0/100"]);
    for (const [route, share] of steps) expect(Math.abs(share - Number(route.split("/")[1]))).toBeLessThan(5);
    expect(existsSync(path.join(playground.folder, ".weir"))).toBe(false);
  });

  it.runIf(IS_WHOLE_RUN)("that changes an image ends with everything on the new one, and loses no request", { timeout: 240_000 }, async () => {
    const playground = runPlayground("--scenario", "image", "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    expect(stepsIn(playground.output()).map(([route]) => route)).toEqual(["100/0", "75/25", "50/50", "0/100"]);
    expect(playground.output()).toContain("none failed");
  });

  it.each(shortened<readonly [name: string, routes: readonly string[], told: readonly RegExp[]]>([
    ["testers", ["100/0", "100/0", "50/50", "0/100"], [/^ +↳ x-tester: true: (9[5-9]\.\d|100\.0) % of [\d,]+ answered by v2$/m, /Delivered after/]],
    ["blue-green", ["100/0", "100/0", "0/100"], [/^ +↳ preview\.reviews\.example: (9[5-9]\.\d|100\.0) % of [\d,]+ answered by v2$/m, /Delivered after/, /;\s+none\s+failed/]],
    ["sessions", ["100/0", "90/10", "50/50", "0/100"], [/^ +↳ 100 users with cookies: [3-6]\d with v2, [3-6]\d with v1; \d+ went over, nobody came back$/m, /^ +↳ 100 users with cookies: 100 with v2, 0 with v1; \d+ went over, nobody came back$/m, /Delivered after/]],
    ["entrances", ["100/0", "50/50", "0/100"], [/^ +↳ reviews\.example, at the gateway: (4\d|5\d)\.\d % of [\d,]+ answered by v2$/m, /^ +↳ reviews\.example, at the gateway: (9[5-9]\.\d|100\.0) % of [\d,]+ answered by v2$/m, /Delivered after/, /;\s+none\s+failed/]],
    ["two-services", ["100/0", "75/25", "50/50", "0/100"], [/^ +↳ calls of v1: 0\.0 % of [\d,]+ answered by v2$/m, /^ +↳ calls of v2: 100\.0 % of [\d,]+ answered by v2$/m, /Delivered after/, /;\s+none\s+failed/]],
    ["connections", ["100/0", "80/20", "100/0"], [/connections to v2/, /^ {2}\d+:\d\d {2}80\/20 .*open \d+ ✗$/m, /Taken back after/, /users\s+opened\s+[\d,]+\s+connections/]],
    ["shadow", ["100/0", "100/0", "100/0"], [/^ +↳ copies: [\d,]+ \((1[5-9]|2[0-5])\.\d %\) went to v3 as well, and answered nobody$/m, /Taken back after/, /;\s+0\s+failed:\s+0\.0\s%/]],
  ]))("of another strategy, %s, shows what it does beside the weights", { timeout: 240_000 }, async (name, routes, told) => {
    const playground = runPlayground("--scenario", name, "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    expect(stepsIn(playground.output()).map(([route]) => route), playground.output()).toEqual(routes);
    for (const each of told) expect(playground.output()).toMatch(each);
  });

  it.each(shortened(["slow", "bad"]))("that is %s ends with everything back on the old version", { timeout: 240_000 }, async (name) => {
    const playground = runPlayground("--scenario", name, "--exit");
    expect(await playground.exitCode, playground.output()).toBe(0);
    expect(stepsIn(playground.output()).map(([route]) => route)).toEqual(["100/0", "90/10", "100/0"]);
    expect(stepsIn(playground.output()).at(-1)![1]).toBe(0);
    expect(playground.output()).toContain("Taken back");
  });
});
