/** The style that a machine can check: STYLE's laws, import rules and names. Nothing can be switched off from within a file. */
import js from "@eslint/js";
import sonarjs from "eslint-plugin-sonarjs";
import tseslint from "typescript-eslint";
import { noImportCycles } from "./test/lint/cycles.mjs";
import { namingRules } from "./test/lint/names.mjs";
import { importsStayInRooms } from "./test/lint/rooms.mjs";

const SYNTAX = [
  { selector: "TSEnumDeclaration", message: "No enums: a union of strings says the same and disappears at run time." },
  { selector: "TSModuleDeclaration[kind='namespace']", message: "No namespaces: a file is one." },
  { selector: ":matches(ClassDeclaration, ClassExpression):not([superClass.name='Error'])", message: "No classes except errors: write createX(...), which returns a port." },
  { selector: "ExportDefaultDeclaration", message: "No default exports: a name is the same everywhere." },
  { selector: "Decorator", message: "No decorators." },
  { selector: "ExportAllDeclaration", message: "No barrels: import from the file that has it." },
  { selector: "ExportNamedDeclaration[source]", message: "No re-exports: import from the file that has it." },
];

/** Law 12: no clock, random, environment or logger in the core. */
const NOT_IN_THE_CORE = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: "No clock in the core: `now` is part of what was observed." },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "No clock in the core: `now` is part of what was observed." },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: "No randomness in the core." },
  { selector: "AwaitExpression", message: "No I/O in the core: nothing to wait for." },
];
const GLOBALS_NOT_IN_THE_CORE = ["process", "console", "fetch", "setTimeout", "setInterval", "setImmediate", "performance", "crypto"];

const ONLY_CONFIG_READS_ENV = { object: "process", property: "env", message: "Only src/config.ts reads the environment." };

export default tseslint.config(
  { ignores: ["node_modules/", "dist/", "coverage/", ".weir/"] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    plugins: { weir: { rules: { ...namingRules, "imports-stay-in-rooms": importsStayInRooms, "no-import-cycles": noImportCycles } }, sonarjs },
    rules: {
      "weir/names-say-something": "error",
      "weir/files-are-named": "error",
      "weir/files-have-header": "error",
      "weir/imports-stay-in-rooms": "error",
      "weir/no-import-cycles": "error",
      "no-restricted-syntax": ["error", ...SYNTAX],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx"] }],
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true, IIFEs: true }],
      "sonarjs/cognitive-complexity": ["error", 10],
      eqeqeq: ["error", "always"],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-ignore": true, "ts-expect-error": true, "ts-nocheck": true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "all", ignoreRestSiblings: true }],
      "@typescript-eslint/no-deprecated": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-base-to-string": "off", // it takes every field of unknown JSON for an object
      "@typescript-eslint/unbound-method": "off", // without classes there is no `this` to lose
      "@typescript-eslint/require-await": "off", // a port's member may be async by its contract
    },
  },
  { files: ["**/*.mjs", "**/*.js"], languageOptions: { globals: { process: "readonly", console: "readonly" } } },
  { files: ["src/**/*.ts"], rules: { "no-console": "error", "no-restricted-properties": ["error", ONLY_CONFIG_READS_ENV] } },
  { files: ["src/config.ts"], rules: { "no-restricted-properties": "off" } },
  { files: ["src/cli.ts", "src/cli/**/*.ts", "src/playground/**/*.ts"], rules: { "no-console": "off" } },
  {
    files: ["src/rollout/**/*.ts", "src/rehearsal/*.ts"],
    rules: {
      "no-restricted-syntax": ["error", ...SYNTAX, ...NOT_IN_THE_CORE],
      "no-restricted-globals": ["error", ...GLOBALS_NOT_IN_THE_CORE.map((name) => ({ name, message: "The core is pure: pass it in." }))],
    },
  },
  { files: ["*.config.{js,ts}"], rules: { "no-restricted-syntax": "off" } },
  // A `describe` is a container, not a function; what it contains has its limits.
  { files: ["test/**/*.test.ts"], rules: { "max-lines-per-function": "off" } },
  // Vitest's `expect.any(...)` and its kin are of type any.
  { files: ["test/**/*.test.ts"], rules: { "@typescript-eslint/no-unsafe-assignment": "off" } },
);
