/** `npm test`: installs what is lacking, checks the code, runs the tests, and ends with one line that counts. `--whole` plays the long forms; other arguments go to vitest, and then only the tests run. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { installPackages, installPrograms, LUA, orSayWhatIsLacking, SERVERS } from "../src/playground/install.mjs";

const ROOT = path.resolve(import.meta.dirname, "..");
const BIN = path.join(ROOT, "node_modules/.bin");

const CHECKS = [
  { title: "type check", command: ["tsc", "--noEmit"] },
  { title: "lint (style, import rules, import cycles, function length and complexity)", command: ["eslint", "."] },
  { title: "dead code", command: ["knip"] },
];

await orSayWhatIsLacking(async () => {
  await installPackages();
  await installPrograms([...SERVERS, LUA]);
});
const WHOLE = "--whole";
const vitestArgs = process.argv.slice(2).filter((argument) => argument !== WHOLE);
if (process.argv.includes(WHOLE)) process.env.WEIR_TEST_WHOLE = "true"; // read by test/support/whole-run.ts
const checked = vitestArgs.length > 0 ? [] : await Promise.all(CHECKS.map(check));
const tested = await runTests(vitestArgs);
const total = sum([...checked, tested]);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** Its output is shown in one piece, since others run beside it. */
async function check({ title, command }) {
  const startedAtMs = Date.now();
  const output = [];
  const code = await run(command, "pipe", (chunk) => output.push(chunk));
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${title} (${seconds} s)`);
  if (code !== 0) console.log(output.join("").trimEnd());
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function runTests(args) {
  const folder = mkdtempSync(path.join(tmpdir(), "weir-test-report-"));
  const report = path.join(folder, "report.json");
  try {
    const code = await run(["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...args], "inherit");
    return countsOf(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A test file that could not even be loaded has no tests, and an error outside of tests belongs to none: each counts as one failure. */
function countsOf(report, exitCode) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = readReport(report);
  const unloaded = testResults.filter(({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"));
  const failed = numFailedTests + unloaded.length;
  return { passed: numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped: numPendingTests + numTodoTests };
}

function readReport(report) {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }; // it ended before it could report
  }
}

/** Its exit code; 1 if a signal ended it. */
function run([program, ...args], output, onOutput) {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(BIN, program), args, { cwd: ROOT, stdio: ["ignore", output, output] });
    child.stdout?.setEncoding("utf8").on("data", onOutput);
    child.stderr?.setEncoding("utf8").on("data", onOutput);
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

function sum(counts) {
  const of = (key) => counts.reduce((total, count) => total + count[key], 0);
  return { passed: of("passed"), failed: of("failed"), skipped: of("skipped") };
}
