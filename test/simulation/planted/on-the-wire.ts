/** Bugs in what a daemon sends: preconditions that lack, and fields that are none of its business. */
import type { JsonPatchOperation, KubernetesObject, Patch } from "../../../src/kubernetes/client.ts";
import type { Network } from "../world/network.ts";
import { inNetwork } from "../world/tampering.ts";
import type { PlantedBug } from "./planted-bug.ts";

export const WIRE_BUGS = {
  statusWithoutVersion: {
    does: "drops the resourceVersion of its status writes",
    breaks: "runsFollowEachOther",
    caughtAt: 1,
    plant: () => inNetwork((network) => onStatus(network, withoutVersion)),
  },
  routeWithoutVersion: {
    does: "drops every precondition of its route writes",
    breaks: "staleWriterMovesNothing",
    caughtAt: 59,
    plant: () => inNetwork((network) => onRoute(network, (operations) => operations.filter(({ op }) => op !== "test"))),
  },
  foreignFields: {
    does: "writes a field of the route that is not its own",
    breaks: "othersUntouched",
    caughtAt: 1,
    plant: () => inNetwork((network) => onRoute(network, (operations) => [...operations, { op: "add", path: "/spec/http/1/retries", value: { attempts: 9 } }])),
  },
  callsOfAll: {
    does: "leads everybody's calls to the newest version of a service that follows",
    breaks: "newCallsNew",
    caughtAt: 58,
    plant: () => inNetwork((network) => onRoute(network, (operations) => operations.map(withoutCallers))),
  },
  ownedRoute: {
    does: "owns the route by an ownerReference",
    breaks: "nothingIsOwned",
    caughtAt: 36,
    plant: () => inNetwork((network) => onRoute(network, (operations) => [...operations, ...ownership(operations)])),
  },
  ownedRecord: {
    does: "owns the records of its runs by an ownerReference",
    breaks: "recordIsKept",
    caughtAt: 36,
    plant: () => inNetwork((network) => ({ ...network, create: (resource, namespace, object, options) => network.create(resource, namespace, owned(object as KubernetesObject), options) })),
  },
} as const satisfies Readonly<Record<string, PlantedBug>>;

function onStatus(network: Network, change: (patch: Patch) => Patch): Network {
  return { ...network, patch: (resource, namespace, name, patch, options) => network.patch(resource, namespace, name, options?.subresource === "status" ? change(patch) : patch, options) };
}

function withoutVersion({ body }: Patch): Patch {
  return { type: "merge", body: { status: (body as { readonly status: unknown }).status } };
}

function onRoute(network: Network, change: (operations: readonly JsonPatchOperation[]) => readonly JsonPatchOperation[]): Network {
  return {
    ...network,
    patch(resource, namespace, name, patch, options) {
      const isOfRoute = resource.plural === "virtualservices" && patch.type === "json";
      return network.patch(resource, namespace, name, isOfRoute ? { ...patch, body: change(patch.body) } : patch, options);
    },
  };
}

function withoutCallers(operation: JsonPatchOperation): JsonPatchOperation {
  const isOwn = operation.op !== "test" && "value" in operation && JSON.stringify(operation.value ?? null).includes("sourceLabels");
  return isOwn ? { ...operation, value: { ...(operation.value as object), match: [{ uri: { prefix: "/" } }] } } : operation;
}

/** Of the Rollout whose stamp is written. */
function ownership(operations: readonly JsonPatchOperation[]): readonly JsonPatchOperation[] {
  const stamp = operations.find(({ op, path }) => op !== "test" && path.includes("weir.dev~1epoch"))?.value;
  return typeof stamp === "string" ? [{ op: "add", path: "/metadata/ownerReferences", value: [ownerOf(stamp.split("/")[0]!)] }] : [];
}

function owned(record: KubernetesObject): KubernetesObject {
  const { rollout } = record["spec"] as { readonly rollout: { readonly uid: string } };
  return { ...record, metadata: { ...record.metadata, ownerReferences: [ownerOf(rollout.uid)] } };
}

function ownerOf(uid: string) {
  return { kind: "Rollout", name: "reviews", uid };
}
