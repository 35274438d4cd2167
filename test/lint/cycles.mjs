/** No file imports itself in a round-about way, not even for a type: what cannot be read alone is one file in pieces. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const STATIC_IMPORT = /^(?:import|export)\b(?:[^;"]*?\bfrom)?\s*"(\.{1,2}\/[^"]+)"/gm;
const importsOfFile = new Map();

/** Absolute paths of the files that it imports, but for dynamic imports, which begin a program of their own. */
function importsOf(file) {
  const known = importsOfFile.get(file);
  if (known) return known;
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const imports = [...text.matchAll(STATIC_IMPORT)].map(([, specifier]) => path.resolve(path.dirname(file), specifier));
  importsOfFile.set(file, imports);
  return imports;
}

/** The files from `start` to `goal`, both included; undefined if there is no way. */
function wayBetween(start, goal, seen = new Set()) {
  if (start === goal) return [goal];
  seen.add(start);
  for (const next of importsOf(start)) {
    const way = seen.has(next) ? undefined : wayBetween(next, goal, seen);
    if (way) return [start, ...way];
  }
  return undefined;
}

export const noImportCycles = {
  meta: { type: "problem", schema: [] },
  create(eslint) {
    const look = ({ source }) => {
      if (!source?.value.startsWith(".")) return;
      const way = wayBetween(path.resolve(path.dirname(eslint.filename), source.value), eslint.filename);
      if (way) eslint.report({ node: source, message: `import cycle: ${way.map((file) => path.relative(eslint.cwd, file)).join(" imports ")}` });
    };
    return { ImportDeclaration: look, ExportNamedDeclaration: look, ExportAllDeclaration: look };
  },
};
