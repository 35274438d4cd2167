/** One line of `weir doctor`. */

export interface Finding {
  /** `note`: worth knowing, and nothing to do with certainty; `bad`: makes doctor exit with 1. */
  readonly level: "ok" | "note" | "bad";
  /** What was looked at: `CRD`, `bookinfo/reviews`. */
  readonly subject: string;
  /** What is so, and where it is not well what to do. Further lines are to be copied. */
  readonly message: string;
}

export function ok(subject: string, message: string): Finding {
  return { level: "ok", subject, message };
}

export function note(subject: string, message: string): Finding {
  return { level: "note", subject, message };
}

export function bad(subject: string, message: string): Finding {
  return { level: "bad", subject, message };
}
