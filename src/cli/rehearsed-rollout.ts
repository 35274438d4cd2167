/** The Rollout that a rehearsal is about: from a file, or from the cluster. */
import { stat } from "node:fs/promises";
import type { KubernetesObject } from "../kubernetes/client.ts";
import { isOurs } from "../rollout/lint.ts";
import type { ValidRollout } from "../rollout/rollout.ts";
import { EXIT, Failure } from "./failure.ts";
import { lintText } from "./lint/lint-text.ts";
import { readManifestFiles } from "./lint/manifest-files.ts";
import { readManifests } from "./lint/manifests.ts";
import type { GlobalOptions } from "./options.ts";
import { validRolloutOf } from "./valid-rollout.ts";
import type { World } from "./world.ts";

/** `given`: a file that is there or is called like one, `-` for stdin, or a name in the cluster. */
export async function rehearsedRollout(given: string, world: World, globals: GlobalOptions): Promise<ValidRollout> {
  return (await isFile(given)) ? fromFile(given, world) : fromCluster(given, world, globals);
}

async function isFile(given: string): Promise<boolean> {
  return given === "-" || /\.(?:ya?ml|json)$/.test(given) || (await stat(given).catch(() => undefined))?.isFile() === true;
}

async function fromFile(given: string, world: World): Promise<ValidRollout> {
  const files = await readManifestFiles([given], () => world.stdin());
  const [finding] = files.flatMap(({ file, text }) => lintText(text, file));
  if (finding) throw new Failure(`${finding.file}:${finding.line}: ${finding.path === "" ? "" : `${finding.path}: `}${finding.message}`, EXIT.error);
  const rollouts = files.flatMap(({ text }) => readManifests(text)).map(({ object }) => object).filter(isOurs) as unknown as readonly KubernetesObject[];
  const [only, ...others] = rollouts;
  if (only && others.length === 0) return validRolloutOf(only);
  const came = only ? `${rollouts.length} (${rollouts.map(({ metadata }) => metadata.name).join(", ")})` : "none";
  throw new Failure(`expected one Rollout in ${given}, got ${came}; give a file with the one that is meant`, EXIT.usage);
}

/** Loaded for this alone: a file needs no client of Kubernetes. */
async function fromCluster(given: string, world: World, globals: GlobalOptions): Promise<ValidRollout> {
  const [{ withCluster }, { getRollout }] = await Promise.all([import("./cluster.ts"), import("./targets.ts")]);
  return validRolloutOf(await withCluster(world, globals, (cluster) => getRollout(cluster, given)));
}
