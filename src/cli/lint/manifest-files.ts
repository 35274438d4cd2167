/** The texts that `weir lint` is given: files, directories, stdin. */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { EXIT, Failure } from "../failure.ts";

export interface ManifestFile {
  /** As people name it; `-` for stdin. */
  readonly file: string;
  readonly text: string;
}

/** In the order given; directories with everything below them, by name. Throws a `Failure` for what is not there. */
export async function readManifestFiles(paths: readonly string[], stdin: () => Promise<string>): Promise<readonly ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const each of paths) {
    if (each === "-") files.push({ file: "-", text: await stdin() });
    else for (const file of await filesAt(each)) files.push({ file, text: await readFile(file, "utf8") });
  }
  return files;
}

async function filesAt(given: string): Promise<readonly string[]> {
  const found = await stat(given).catch(() => undefined);
  if (!found) throw new Failure(`expected a file or directory, got ${given}, which is not there`, EXIT.notFound);
  if (!found.isDirectory()) return [given];
  const entries = await readdir(given, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(?:ya?ml|json)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !file.split(path.sep).includes("node_modules"))
    .sort();
}
