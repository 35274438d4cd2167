/** Who controls what: an owner counts what it controls, takes what nobody does and its selector wants, and lets go of what that wants no more. */
import { isSelected, type LabelSelector } from "../../kubernetes/label-selector.ts";
import type { Write, WrittenKind } from "./plan.ts";
import { isGoing, type Pod, type ReplicaSet, type Workload } from "./workloads.ts";

type Owner = Workload & { readonly spec: { readonly selector: LabelSelector } };
type Owned = ReplicaSet | Pod;

export interface Claims<Dependent extends Owned> {
  /** Controlled by the owner, and wanted by its selector. */
  readonly owned: readonly Dependent[];
  readonly writes: readonly Write[];
}

function controllerOf({ metadata }: Workload) {
  return metadata.ownerReferences.find(({ controller }) => controller);
}

export function ownerReferenceTo({ metadata }: Workload, kind: "Deployment" | "ReplicaSet") {
  return { apiVersion: "apps/v1", kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** `candidates`: what is in the owner's namespace. What another one controls is nobody else's business, whatever its labels say. */
export function claim<Dependent extends Owned>(owner: Owner, kind: "Deployment" | "ReplicaSet", candidates: readonly Dependent[]): Claims<Dependent> {
  const isWanted = ({ metadata }: Dependent): boolean => isSelected(metadata.labels, owner.spec.selector);
  const controlled = candidates.filter((candidate) => controllerOf(candidate)?.uid === owner.metadata.uid);
  const orphans = candidates.filter((candidate) => !controllerOf(candidate) && isWanted(candidate) && !isGoing(candidate) && !isEnded(candidate));
  const ownedKind: WrittenKind = kind === "Deployment" ? "replicaSets" : "pods";
  const withOwners = (object: Owned, ownerReferences: readonly object[]): Write => ({ verb: "change", kind: ownedKind, object, body: { metadata: { ownerReferences } } });
  return {
    owned: controlled.filter(isWanted),
    writes: [
      ...orphans.map((orphan) => withOwners(orphan, [...orphan.metadata.ownerReferences, ownerReferenceTo(owner, kind)])),
      ...controlled.filter((each) => !isWanted(each) && !isGoing(each)).map((each) => withOwners(each, each.metadata.ownerReferences.filter(({ uid }) => uid !== owner.metadata.uid))),
    ],
  };
}

/** A pod that has run to its end counts for nobody. */
export function isEnded({ status }: Owned): boolean {
  return status["phase"] === "Succeeded" || status["phase"] === "Failed";
}
