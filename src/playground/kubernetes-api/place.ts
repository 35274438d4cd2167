/** Where an object is, or is to be, in words of the URL. */
import type { ServedKind } from "./served-kind.ts";

export interface Place {
  readonly kind: ServedKind;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
  readonly subresource?: "status" | "scale";
}
