/** Which Rollouts a command line means: by name, by label, or all of a namespace. */
import { RESOURCES, type KubernetesObject } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { nearNames } from "../rollout/near-names.ts";
import type { Cluster } from "./cluster.ts";
import { EXIT, Failure } from "./failure.ts";
import type { Selection } from "./options.ts";

const PAGE = 500;

/** Those named, in that order; without names those selected. */
export async function rolloutsFor(cluster: Cluster, names: readonly string[], selection: Selection): Promise<readonly KubernetesObject[]> {
  if (names.length === 0) return listRollouts(cluster, selection);
  if (selection.selector !== undefined || selection.allNamespaces) throw new Failure(`expected names, or -l and -A, got both; leave one out`, EXIT.usage);
  return Promise.all(names.map((name) => getRollout(cluster, name)));
}

/** For verbs that change something: nobody should mean everything by saying nothing. */
export async function chosenRollouts(cluster: Cluster, names: readonly string[], selection: Selection): Promise<readonly KubernetesObject[]> {
  if (names.length === 0 && selection.selector === undefined) throw new Failure("expected the name of a Rollout, or -l with labels, got neither; weir get lists them", EXIT.usage);
  const chosen = await rolloutsFor(cluster, names, selection);
  if (chosen.length === 0) throw new Failure(`expected a Rollout with the labels ${selection.selector}, found none ${placeOf(cluster, selection)}`, EXIT.notFound);
  return chosen;
}

export async function listRollouts({ client, namespace }: Cluster, { selector, allNamespaces }: Selection): Promise<readonly KubernetesObject[]> {
  const items: KubernetesObject[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(RESOURCES.rollouts, allNamespaces ? undefined : namespace, {
      limit: PAGE,
      ...(selector !== undefined && { labelSelector: selector }),
      ...(next !== undefined && { continue: next }),
    });
    items.push(...page.items);
    next = page.metadata.continue || undefined;
  } while (next !== undefined);
  return items.map((item) => ({ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", ...item })); // lists leave out what all have in common
}

export async function getRollout(cluster: Cluster, written: string): Promise<KubernetesObject> {
  const name = plainName(written);
  try {
    return await cluster.client.get(RESOURCES.rollouts, cluster.namespace, name);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    throw new Failure(await unknownName(cluster, name, error), EXIT.notFound, { cause: error });
  }
}

export function placeOf({ namespace }: Pick<Cluster, "namespace">, { allNamespaces }: Selection): string {
  return allNamespaces ? "in any namespace" : `in namespace ${namespace}`;
}

/** Also as kubectl takes it: `weir/reviews`. */
export function plainName(written: string): string {
  const [kind, name] = written.split("/", 2);
  if (name === undefined) return written;
  if (/^(?:weir|rollouts?(?:\.weir\.dev)?)$/.test(kind ?? "")) return name;
  throw new Failure(`expected the name of a Rollout, got ${written}`, EXIT.usage);
}

/** A 404 may also mean that the CRD is not there: then the list is refused too, and says so. */
async function unknownName(cluster: Cluster, name: string, notFound: ApiError): Promise<string> {
  const known = await listRollouts(cluster, {}).catch((error: unknown) => {
    throw error instanceof ApiError && error.status === 404 ? error : notFound;
  });
  const names = known.map(({ metadata }) => metadata.name);
  const near = nearNames(name, names);
  const there = names.length === 0 ? `there is none in namespace ${cluster.namespace}: weir get -A lists all` : `there ${names.length === 1 ? "is" : "are"} ${names.slice(0, 10).join(", ")}`;
  const advice = near.length > 0 ? `did you mean ${near.join(" or ")}?` : there;
  return `no Rollout ${name} in namespace ${cluster.namespace}; ${advice}`;
}
