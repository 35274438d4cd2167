/** A notice as a CloudEvent 1.0 in structured mode; readme.md documents it for receivers. */
import type { Notice } from "../../rollout/notice.ts";

export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: Omit<Notice, "at" | "seq">;
}

/** The same notice always has the same `source` and `id`, so that a receiver can drop what comes twice. */
export function cloudEventOf({ seq, at, ...data }: Notice): CloudEvent {
  const { namespace, name, uid } = data.rollout;
  return {
    specversion: "1.0",
    id: `${uid}/${data.run}/${seq}`,
    source: `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts/${name}`,
    type: `dev.weir.rollout.${data.event}.v1`,
    subject: `run/${data.run}`,
    time: at,
    datacontenttype: "application/json",
    data,
  };
}
