/** Everything that a Deployment's delivery consists of, version by version, in the order of the server's own revisions. */
import { CANARY_LABEL } from "../../src/rollout/rollout.ts";
import type { ApiAddress, ApiObject } from "../support/api-request.ts";
import { followVersions } from "../support/history.ts";
import { revisionOf } from "./laws.ts";

export interface Moment {
  readonly type: string;
  readonly object: ApiObject;
}

export interface Timeline {
  /** Of one application, oldest first. Throws where a watch could not go on: then versions may be missing. */
  of(name: string): readonly Moment[];
  close(): Promise<void>;
}

const KINDS = [["/api/v1", "pods"], ["/apis/apps/v1", "deployments"], ["/apis/networking.istio.io/v1", "destinationrules"], ["/apis/networking.istio.io/v1", "virtualservices"], ["/apis/weir.dev/v1alpha1", "rollouts"]] as const;

/** Settles when what is there now is in it. */
export async function followTimeline(address: ApiAddress, namespace: string): Promise<Timeline> {
  const moments: Moment[] = [];
  const follow = ([group, plural]: (typeof KINDS)[number]) => followVersions(address, `${group}/namespaces/${namespace}/${plural}`, (object, type) => void moments.push({ type, object: { ...object, plural } }));
  const followed = await Promise.all(KINDS.map(follow));
  return {
    of: (name) => {
      followed.forEach(({ check }) => check());
      return moments.filter(({ object }) => isAbout(object, name)).toSorted((a, b) => revisionOf(a.object) - revisionOf(b.object));
    },
    close: async () => void (await Promise.all(followed.map(({ close }) => close()))),
  };
}

/** Lists do not say the kind of their items. */
export function pluralOf({ plural }: ApiObject): string {
  return String(plural);
}

function isAbout(object: ApiObject, name: string): boolean {
  if (pluralOf(object) === "pods") return labelsOf(object)["app"] === name;
  return [name, `weir-${name}`].includes(object.metadata.name) || object.metadata.name.startsWith(`${name}-canary-`);
}

export function labelsOf({ metadata }: ApiObject): Readonly<Record<string, string>> {
  return (metadata["labels"] as Readonly<Record<string, string>> | undefined) ?? {};
}

export interface Pod extends ApiObject {
  readonly metadata: ApiObject["metadata"] & { readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly [{ readonly image: string }] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** As endpoints count it: one that is going away is ready no more. */
export function isReady({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
}

/** The tag of its image. */
export function versionOf({ spec }: Pod): string {
  const [{ image }] = spec.containers;
  return image.slice(image.lastIndexOf(":") + 1);
}

export function isOfCanary(pod: Pod): boolean {
  return labelsOf(pod)[CANARY_LABEL] !== undefined;
}
