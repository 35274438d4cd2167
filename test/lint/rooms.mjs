/** Who may import whom: the rooms of src/, what each may import, and the rule that holds them to it. */
import path from "node:path";

/** What adapters may know of `kubernetes`: types and errors. */
const KUBERNETES_TYPES = ["src/kubernetes/client.ts", "src/kubernetes/object-cache.ts", "src/kubernetes/errors.ts", "src/kubernetes/label-selector.ts", "src/kubernetes/quantity.ts"];

const PORTS = [
  "src/reconciler/ports.ts",
  "src/traffic/traffic-router.ts",
  "src/metrics/metric-provider.ts",
  "src/notify/notifier.ts",
  "src/workload/workload.ts",
];

/** May be imported everywhere in the daemon and around it: the pure core. */
const CORE = "src/rollout/";

/** The shape of a log; which library is behind it is nobody else's business. */
const LOGGER_TYPE = "src/telemetry/logger.ts";

/**
 * The longest name that begins a file's path is its room. `files`: beginnings of paths that it may import, besides its own room.
 * `types`: the same, for `import type` alone. `packages`: npm packages. `builtins: false`: nothing of Node's either.
 */
const ROOMS = {
  "src/rollout/": { files: [], packages: ["zod"], builtins: false },
  "src/reconciler/": { files: [CORE, ...PORTS, "src/kubernetes/errors.ts"], packages: [] },
  "src/traffic/": { files: [CORE, ...KUBERNETES_TYPES], types: [LOGGER_TYPE], packages: ["zod"] },
  "src/metrics/": { files: [CORE, ...KUBERNETES_TYPES], types: [LOGGER_TYPE], packages: ["zod"] },
  "src/notify/": { files: [CORE, ...KUBERNETES_TYPES], types: [LOGGER_TYPE], packages: ["zod"] },
  "src/workload/": { files: [CORE, ...KUBERNETES_TYPES], types: [LOGGER_TYPE], packages: ["zod"] },
  "src/kubernetes/": { files: [CORE, ...PORTS], types: [LOGGER_TYPE], packages: ["@kubernetes/client-node", "yaml", "zod"] },
  "src/scheduler/": { files: [CORE, ...PORTS, ...KUBERNETES_TYPES], types: [LOGGER_TYPE], packages: ["bullmq", "ioredis", "zod"] },
  "src/telemetry/": { files: [CORE, ...PORTS], packages: ["pino", "prom-client"] },
  // Made traffic for the daemon's own rules: pure but for the seed; recorded traffic comes from a metric provider.
  "src/rehearsal/": { files: [CORE, "src/playground/random.ts"], packages: [], builtins: false },
  "src/rehearsal/recorded/": { files: [CORE, "src/rehearsal/", "src/metrics/metric-provider.ts", "src/metrics/registry.ts"], packages: [], builtins: false },
  // Besides the API server, the command line knows routes: `weir abort --force` takes traffic back without the daemon.
  "src/cli/": {
    files: [CORE, "src/kubernetes/", "src/traffic/", "src/workload/", "src/rehearsal/", "src/reconciler/in-order.ts", "src/main.ts", "src/config.ts", "src/version.ts", "src/playground/samples/control.ts", "src/playground/state-folder.ts"],
    packages: ["commander", "picocolors", "yaml", "zod"],
  },
  "src/playground/": {
    files: [CORE, "src/kubernetes/", "src/telemetry/", "src/main.ts", "src/config.ts"],
    packages: ["@marcbachmann/cel-js", "ajv", "esbuild", "fast-json-patch", "picocolors", "prom-client", "tsx", "yaml", "zod"],
  },
  "src/config.ts": { files: [CORE], packages: ["zod"] },
  "src/cli.ts": { files: ["src/cli/", "src/config.ts"], packages: ["commander"] },
  "src/main.ts": { files: ["src/"], packages: [], except: ["src/cli/", "src/cli.ts", "src/playground/"] },
};

/** Rooms whose folders are providers: each may import its own files and those at the room's root, never another provider. */
const PROVIDER_ROOMS = ["src/traffic/", "src/metrics/", "src/notify/", "src/workload/"];

/** Packages that one provider alone may import. */
const PROVIDER_PACKAGES = { "src/metrics/prometheus/": ["prometheus-query"], "src/notify/slack/": ["@slack/web-api"] };

/** Why `file` may not import `specifier`, as a sentence; undefined if it may. Paths are relative to the repository, with `/`. */
function refusal(file, specifier, isTypeOnly = false) {
  const roomName = longestBeginning(Object.keys(ROOMS), file);
  if (roomName === undefined) return file.startsWith("src/") ? `${file} is in no room of test/lint/rooms.mjs: give it one` : undefined;
  if (specifier.startsWith("node:")) return ROOMS[roomName].builtins === false ? `${roomName} is pure: nothing of Node's` : undefined;
  if (!specifier.startsWith(".")) return refusalOfPackage(file, roomName, specifier);
  return refusalOfFile(file, roomName, path.posix.join(path.posix.dirname(file), specifier), isTypeOnly);
}

function refusalOfPackage(file, roomName, specifier) {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const providerPackages = PROVIDER_PACKAGES[longestBeginning(Object.keys(PROVIDER_PACKAGES), file)] ?? [];
  const allowed = [...ROOMS[roomName].packages, ...providerPackages];
  return allowed.includes(name) ? undefined : `${roomName} may import ${allowed.join(", ") || "no package"}, not ${name}`;
}

function refusalOfFile(file, roomName, target, isTypeOnly) {
  const { files, types = [], except = [] } = ROOMS[roomName];
  if (beginsWithAny(except, target)) return `${roomName} may not import ${target}`;
  if (target.startsWith(roomName)) return refusalOfNeighbour(file, target, roomName);
  if (isTypeOnly && beginsWithAny(types, target)) return undefined;
  return beginsWithAny(files, target) ? undefined : `${roomName} may import itself and ${files.join(", ") || "nothing else"}, not ${target}`;
}

/** Between the providers of one room. */
function refusalOfNeighbour(file, target, roomName) {
  if (!PROVIDER_ROOMS.includes(roomName)) return undefined;
  const [from, to] = [providerOf(file, roomName), providerOf(target, roomName)];
  if (from === undefined || to === undefined || from === to) return undefined;
  return `${roomName}${from} may not import another adapter, ${roomName}${to}`;
}

function providerOf(file, roomName) {
  const [folder, ...rest] = file.slice(roomName.length).split("/");
  return rest.length > 0 ? folder : undefined;
}

function longestBeginning(beginnings, text) {
  return beginnings.filter((beginning) => text.startsWith(beginning)).sort((a, b) => b.length - a.length)[0];
}

function beginsWithAny(beginnings, text) {
  return beginnings.some((beginning) => text.startsWith(beginning));
}

export const importsStayInRooms = {
  meta: { type: "problem", schema: [] },
  create(eslint) {
    const file = path.relative(eslint.cwd, eslint.filename).split(path.sep).join("/");
    const look = ({ source, importKind }) => {
      const message = typeof source?.value === "string" ? refusal(file, source.value, importKind === "type") : undefined;
      if (message) eslint.report({ node: source, message });
    };
    return { ImportDeclaration: look, ImportExpression: look, ExportNamedDeclaration: look, ExportAllDeclaration: look };
  },
};
