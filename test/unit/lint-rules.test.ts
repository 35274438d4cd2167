/** Each rule of the style that a machine can check catches a planted violation, and lets the legal neighbour pass. */
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";
import { beforeAll, describe, expect, it } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Planted {
  /** A file that exists, since types are looked up in the real project; its text is replaced in memory. */
  readonly file: string;
  readonly code: string;
}

let eslint: ESLint;
/** Much slower: it looks types up in the whole project. */
let eslintWithTypes: ESLint;
beforeAll(() => {
  eslint = new ESLint({ cwd: ROOT, overrideConfig: [tseslint.configs.disableTypeChecked] });
  eslintWithTypes = new ESLint({ cwd: ROOT });
});

/** The rules that are broken, each once, with their sentences. */
async function broken({ file, code }: Planted, linter = eslint): Promise<Readonly<Record<string, string>>> {
  const results = await linter.lintText(`/** A planted file. */\n${code}\n`, { filePath: `${ROOT}${file}` });
  return Object.fromEntries(results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => [ruleId ?? "fatal", message])));
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `  seen.push(${index});`).join("\n");
const CORE_FILE = "src/rollout/units.ts";
const SHELL_FILE = "src/reconciler/ports.ts";

describe("a planted violation that only types show is caught:", { timeout: 120_000 }, () => {
  it.each<[string, string, string]>([
    ["a floating promise", "@typescript-eslint/no-floating-promises", "export function f(): void { Promise.resolve(1); }"],
    ["a promise as a condition", "@typescript-eslint/no-misused-promises", "export function f(): number { if (Promise.resolve(false)) return 1; return 0; }"],
    ["a switch that forgets a case", "@typescript-eslint/switch-exhaustiveness-check", 'export function f(x: "a" | "b"): void { switch (x) { case "a": } }'],
    ["any by the back door", "@typescript-eslint/no-unsafe-return", "export const f = (): unknown => { const g = (): string => JSON.parse(\"1\"); return g; };"],
  ])("%s", async (_, rule, code) => {
    expect(Object.keys(await broken({ file: SHELL_FILE, code }, eslintWithTypes))).toContain(rule);
  });
});

describe("a planted violation is caught:", { timeout: 60_000 }, () => {
  it.each<[string, string, Planted]>([
    ["any", "@typescript-eslint/no-explicit-any", { file: SHELL_FILE, code: "export const f = (x: any): unknown => x;" }],
    ["@ts-ignore", "@typescript-eslint/ban-ts-comment", { file: SHELL_FILE, code: "// @ts-ignore\nexport const x: number = 1;" }],
    ["a default export", "no-restricted-syntax", { file: SHELL_FILE, code: "export default 1;" }],
    ["an enum", "no-restricted-syntax", { file: SHELL_FILE, code: "export enum Phase { Paused }" }],
    ["a class that is no error", "no-restricted-syntax", { file: SHELL_FILE, code: "export class Router {}" }],
    ["inheritance between errors", "no-restricted-syntax", { file: SHELL_FILE, code: "class A extends Error {}\nexport class B extends A {}" }],
    ["a barrel", "no-restricted-syntax", { file: SHELL_FILE, code: 'export * from "../rollout/units.ts";' }],
    ["a re-export", "no-restricted-syntax", { file: SHELL_FILE, code: 'export { parse } from "../rollout/units.ts";' }],
    ["a TODO", "no-warning-comments", { file: SHELL_FILE, code: "// TODO: later\nexport const x = 1;" }],
    ["a function of 41 lines", "max-lines-per-function", { file: SHELL_FILE, code: `export function f(seen: number[]): void {\n${lines(39)}\n}` }],
    ["a function that is hard to follow", "sonarjs/cognitive-complexity", { file: SHELL_FILE, code: "export function f(n: number): number {\n  if (n > 1) { if (n > 2) { if (n > 3) { if (n > 4) { if (n > 5) return 5; } } } }\n  return 0;\n}" }],
    ["an import cycle", "weir/no-import-cycles", { file: CORE_FILE, code: 'import "./spec.ts";' }],
    ["an import cycle of types", "weir/no-import-cycles", { file: "src/rollout/status.ts", code: 'import type { Rollout } from "./rollout.ts";\nexport type Same = Rollout;' }],
    ["a type name that says nothing", "weir/names-say-something", { file: SHELL_FILE, code: "export interface RolloutManager { readonly name: string }" }],
    ["a Service of our own", "weir/names-say-something", { file: SHELL_FILE, code: "export type RolloutService = string;" }],
    ["a function name that says nothing", "weir/names-say-something", { file: SHELL_FILE, code: "export function rolloutHelper(): void {}" }],
    ["console outside of command line and playground", "no-console", { file: SHELL_FILE, code: 'console.log("x");' }],
    ["the environment outside of config.ts", "no-restricted-properties", { file: SHELL_FILE, code: "export const home = process.env.HOME;" }],
    ["a clock in the core", "no-restricted-syntax", { file: CORE_FILE, code: "export const now = Date.now();" }],
    ["a date of now in the core", "no-restricted-syntax", { file: CORE_FILE, code: "export const now = new Date();" }],
    ["randomness in the core", "no-restricted-syntax", { file: CORE_FILE, code: "export const x = Math.random();" }],
    ["waiting in the core", "no-restricted-syntax", { file: CORE_FILE, code: "export async function f(x: Promise<void>): Promise<void> { await x; }" }],
    ["a clock in a rehearsal", "no-restricted-syntax", { file: "src/rehearsal/stage.ts", code: "export const now = Date.now();" }],
    ["randomness without a seed in a rehearsal", "no-restricted-syntax", { file: "src/rehearsal/draws.ts", code: "export const x = Math.random();" }],
    ["a timer in the core", "no-restricted-globals", { file: CORE_FILE, code: "setTimeout(() => undefined, 1);" }],
  ])("%s", async (_, rule, planted) => {
    expect(Object.keys(await broken(planted))).toContain(rule);
  });

  it("a file name that is no kebab-case noun, or says nothing", async () => {
    for (const file of ["lint/someThing.mjs", "lint/string-utils.mjs"]) {
      expect(await broken({ file, code: "export const x = 1;" })).toHaveProperty("weir/files-are-named");
    }
  });

  it("a file without a header", async () => {
    const [result] = await eslint.lintText("export const x = 1;\n", { filePath: `${ROOT}${CORE_FILE}` });
    expect(result?.messages.map(({ ruleId }) => ruleId)).toContain("weir/files-have-header");
  });

  it("an attempt to switch a rule off from within", async () => {
    const planted = { file: SHELL_FILE, code: "// eslint-disable-next-line no-restricted-syntax\nexport default 1;" };
    expect(await broken(planted)).toHaveProperty("no-restricted-syntax");
  });
});

describe("an import out of its room is caught:", { timeout: 60_000 }, () => {
  it.each<[string, string, string, RegExp]>([
    ["the core imports an adapter", CORE_FILE, '"../traffic/traffic-router.ts"', /may import itself and nothing else, not src\/traffic/],
    ["the core imports a package", CORE_FILE, '"pino"', /may import zod, not pino/],
    ["the core imports something of Node's", CORE_FILE, '"node:fs"', /pure/],
    ["the reconciler imports an adapter", SHELL_FILE, '"../traffic/istio/istio-router.ts"', /not src\/traffic\/istio/],
    ["an adapter imports another one's room", "src/traffic/traffic-router.ts", '"../metrics/metric-provider.ts"', /not src\/metrics/],
    ["an adapter imports what speaks to the API server", "src/traffic/traffic-router.ts", '"../kubernetes/reflector.ts"', /not src\/kubernetes\/reflector/],
    ["a port imports the reconciler", "src/notify/notifier.ts", '"../reconciler/ports.ts"', /not src\/reconciler/],
    ["bullmq outside of the scheduler", SHELL_FILE, '"bullmq"', /not bullmq/],
    ["ioredis outside of the scheduler", "src/kubernetes/client.ts", '"ioredis"', /not ioredis/],
    ["client-node outside of kubernetes", "src/workload/workload.ts", '"@kubernetes/client-node"', /not @kubernetes\/client-node/],
    ["prometheus-query outside of its provider", "src/metrics/metric-provider.ts", '"prometheus-query"', /not prometheus-query/],
    ["Slack's package outside of its provider", "src/notify/notifier.ts", '"@slack/web-api"', /not @slack\/web-api/],
    ["pino outside of telemetry", SHELL_FILE, '"pino"', /not pino/],
    ["a rehearsal of made traffic imports a metric provider", "src/rehearsal/stage.ts", '"../metrics/metric-provider.ts"', /not src\/metrics/],
    ["a rehearsal imports the reconciler", "src/rehearsal/recorded/backtest.ts", '"../../reconciler/reconcile.ts"', /not src\/reconciler/],
    ["the daemon's insides import a rehearsal", SHELL_FILE, '"../rehearsal/stage.ts"', /not src\/rehearsal/],
    ["the shell imports the command line", "src/config.ts", '"./cli.ts"', /not src\/cli.ts/],
  ])("%s", async (_, file, specifier, sentence) => {
    const { "weir/imports-stay-in-rooms": message } = await broken({ file, code: `import ${specifier};` });
    expect(message).toMatch(sentence);
  });

  it("also where it is dynamic", async () => {
    const planted = { file: SHELL_FILE, code: 'export const load = (): Promise<unknown> => import("bullmq");' };
    expect(await broken(planted)).toHaveProperty("weir/imports-stay-in-rooms");
  });
});

describe("what is legal passes:", { timeout: 60_000 }, () => {
  it.each<[string, Planted]>([
    ["an error class", { file: SHELL_FILE, code: "export class Refused extends Error {}" }],
    ["a function of 40 lines", { file: SHELL_FILE, code: `export function f(seen: number[]): void {\n${lines(38)}\n}` }],
    ["the nouns of Kubernetes and Istio", { file: SHELL_FILE, code: "export interface VirtualService { readonly fieldManager: string }\nexport type Service = string;" }],
    ["a date that was observed, in the core", { file: CORE_FILE, code: "export const at = (ms: number): string => new Date(ms).toISOString();" }],
    ["ports in the reconciler", { file: SHELL_FILE, code: 'import "../traffic/traffic-router.ts";\nimport "../rollout/units.ts";' }],
    ["types of kubernetes in an adapter", { file: "src/traffic/traffic-router.ts", code: 'import "../kubernetes/client.ts";' }],
    ["the environment in config.ts", { file: "src/config.ts", code: "export const home = process.env.HOME;" }],
  ])("%s", async (_, planted) => {
    expect(await broken(planted)).toEqual({});
  });
});
