/** The kinds that are served now: the built-in ones and those of the CustomResourceDefinitions in the store. */
import { BUILTIN_KINDS } from "./builtin-kinds.ts";
import { kindsOf } from "./definitions.ts";
import type { KubeObject } from "./kube-object.ts";
import { apiVersionOf, collectionOf, type ServedKind } from "./served-kind.ts";
import type { Store } from "./store.ts";

export interface Registry {
  kinds(): readonly ServedKind[];
  /** By group, version and plural. */
  find(group: string, version: string, plural: string): ServedKind | undefined;
  findByKind(apiVersion: string, kind: string): ServedKind | undefined;
  /** The preferred version of what is filed there. */
  findCollection(collection: string): ServedKind | undefined;
}

const DEFINITIONS = collectionOf({ group: "apiextensions.k8s.io", plural: "customresourcedefinitions" });

/** Follows the store; the objects of a definition that is deleted go with it. */
export function createRegistry(store: Store): Registry {
  const defined = new Map<string, readonly ServedKind[]>();
  store.onEvent(({ type, collection, object }) => {
    if (collection !== DEFINITIONS) return;
    if (type === "DELETED") removeAll(store, defined, object);
    else defined.set(object.metadata.name, kindsOf(object));
  });
  const kinds = (): readonly ServedKind[] => [...BUILTIN_KINDS, ...[...defined.values()].flat()];
  return {
    kinds,
    find: (group, version, plural) => kinds().find((kind) => kind.group === group && kind.version === version && kind.plural === plural),
    findByKind: (apiVersion, name) => kinds().find((kind) => apiVersionOf(kind) === apiVersion && kind.kind === name),
    findCollection: (collection) => kinds().find((kind) => collectionOf(kind) === collection),
  };
}

function removeAll(store: Store, defined: Map<string, readonly ServedKind[]>, definition: KubeObject): void {
  const [kind] = defined.get(definition.metadata.name) ?? [];
  defined.delete(definition.metadata.name);
  if (!kind) return;
  for (const object of store.list(collectionOf(kind))) store.remove(collectionOf(kind), object);
}
