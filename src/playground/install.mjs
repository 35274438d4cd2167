/** Installs what a fresh clone lacks: npm packages, and programs such as redis-server and prometheus. Plain JavaScript without dependencies, since nothing may be there yet. */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** What we cannot go on without, in a sentence for the person who started us. */
class Lacking extends Error {}

/** Runs `npm ci` unless every package of the lockfile is there in its version. */
export async function installPackages() {
  if (arePackagesInstalled()) return;
  console.log("Installing npm packages ...");
  // Scripts of packages are not needed by any of ours, and cost time and trust.
  const args = ["ci", "--include=dev", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const code = npm ? await run(process.execPath, [npm, ...args]) : await run("npm", args);
  if (code !== 0) throw new Lacking("npm ci did not succeed: see above; it needs a way to an npm registry.");
}

function arePackagesInstalled() {
  // npm writes this file last, so a broken installation has none.
  const installed = packagesOf("node_modules/.package-lock.json");
  const wanted = packagesOf("package-lock.json");
  return Object.entries(wanted).every(([folder, { version, optional }]) => {
    if (folder === "") return true;
    return installed[folder] ? installed[folder].version === version : Boolean(optional);
  });
}

function packagesOf(lockfile) {
  const file = path.join(ROOT, lockfile);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : {};
}

/** By their names in Debian; `brew`: in Homebrew. */
export const SERVERS = [
  { name: "redis-server", brew: "redis", variable: "WEIR_REDIS_SERVER" },
  { name: "prometheus", brew: "prometheus", variable: "WEIR_PROMETHEUS" },
];
/** Runs Argo CD's scripts in tests; theirs is Lua 5.1, too. */
export const LUA = { name: "lua5.1", brew: "lua@5.1", variable: "WEIR_LUA" };

/** Sees to it that the programs are there, and sets the variables to their paths. */
export async function installPrograms(programs) {
  const toInstall = programs.filter((program) => isLacking(program) && !process.env[program.variable]);
  if (toInstall.length > 0 && canUseApt()) await installDebianPackages(toInstall);
  const lacking = programs.filter(isLacking).map(({ name, variable }) => process.env[variable] || name);
  if (lacking.length > 0) throw new Lacking(`Not found: ${lacking.join(" and ")}. ${howToInstall(programs)}`);
  for (const program of programs) process.env[program.variable] = find(program);
}

function howToInstall(programs) {
  const all = (key, between) => programs.map((program) => program[key]).join(between);
  return (
    `On Debian or Ubuntu: sudo apt-get install ${all("name", " ")}. On macOS: brew install ${all("brew", " ")}. ` +
    "With Docker and nothing else: docker compose --profile playground up. " +
    `Or say where they are in ${all("variable", " and ")}.`
  );
}

function isLacking(program) {
  return find(program) === undefined;
}

/** An absolute path. A variable that is set and wrong is not passed over in favour of the PATH. */
function find({ name, variable }) {
  const wanted = process.env[variable] || name;
  const folders = wanted.includes("/") ? [""] : (process.env.PATH ?? "").split(path.delimiter);
  return folders.map((folder) => path.resolve(folder, wanted)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function canUseApt() {
  return process.getuid?.() === 0 && isExecutable("/usr/bin/apt-get");
}

const START_POLICY = "/usr/sbin/policy-rc.d";

/** Only the programs are wanted, not their daemons: none is started now, nor when the machine starts. */
async function installDebianPackages(programs) {
  const packages = programs.map(({ name }) => name);
  console.log(`Installing ${packages.join(" and ")} from Debian ...`);
  const isPolicyOurs = !existsSync(START_POLICY);
  if (isPolicyOurs) writeFileSync(START_POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 }); // 101: start nothing
  const keepGoing = () => undefined; // Ctrl-C ends apt-get, which gets it too; we stay to tidy up
  process.on("SIGINT", keepGoing);
  try {
    await runApt(["update", "-qq"], programs);
    await runApt(["install", "-qq", "-y", "--no-install-recommends", ...packages], programs);
    for (const { name } of programs.filter((program) => SERVERS.includes(program))) await run("/usr/sbin/update-rc.d", [name, "disable"]);
  } finally {
    process.off("SIGINT", keepGoing);
    if (isPolicyOurs) rmSync(START_POLICY, { force: true });
  }
}

async function runApt(args, programs) {
  const code = await run("/usr/bin/apt-get", args, { DEBIAN_FRONTEND: "noninteractive" });
  if (code !== 0) throw new Lacking(`apt-get ${args[0]} did not succeed: see above. ${howToInstall(programs)}`);
}

/** Its exit code; what it says goes to stderr, so that stdout stays ours. */
function run(program, args, environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", 2, 2], env: { ...process.env, ...environment } });
    child.once("error", (cause) => reject(new Lacking(`could not start ${program}: ${cause.message}`)));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Does `work`; says in one sentence what is lacking, and ends, if something is. */
export async function orSayWhatIsLacking(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Lacking)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
