/** The parameters of a write: who writes, only for a look or for real, and how strict. */
import { isFlag, type ApiCall } from "./api-call.ts";
import { invalid, type Cause } from "./status-error.ts";

export interface WriteOptions {
  readonly fieldManager: string;
  readonly isDryRun: boolean;
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
  /** Apply takes fields over from their managers. */
  readonly isForced: boolean;
}

type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "ApplyOptions" | "DeleteOptions";

const LONGEST_MANAGER = 128;

/** Throws 422 for a value that is none. Who applies must be named, and nobody else may use force. */
export function writeOptionsOf({ query, headers }: ApiCall, options: OptionsKind): WriteOptions {
  const isApply = options === "ApplyOptions";
  const kind = isApply ? "PatchOptions" : options;
  const given = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") || "Warn";
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  const causes: readonly Cause[] = [
    ...(isApply && given === "" ? [{ reason: "FieldValueRequired", message: "Required value: is required for apply patch", field: "fieldManager" }] : []),
    ...(given.length > LONGEST_MANAGER ? [{ reason: "FieldValueTooLong", message: `Too long: may not be more than ${LONGEST_MANAGER} bytes`, field: "fieldManager" }] : []),
    ...(isApply || !query.has("force") ? [] : [{ reason: "FieldValueForbidden", message: "Forbidden: may not be specified for non-apply patch", field: "force" }]),
    ...(dryRun.every((value) => value === "All") ? [] : [unsupported("dryRun", dryRun, '"All"')]),
    ...(isFieldValidation(fieldValidation) ? [] : [unsupported("fieldValidation", fieldValidation, '"", "Ignore", "Strict", "Warn"')]),
  ];
  if (causes.length > 0 || !isFieldValidation(fieldValidation)) throw invalid("meta.k8s.io", kind, "", causes);
  const fieldManager = given || (headers["user-agent"] ?? "unknown").split("/")[0] || "unknown";
  return { fieldManager, isDryRun: dryRun.length > 0, fieldValidation, isForced: isFlag(query, "force") };
}

function isFieldValidation(text: string): text is WriteOptions["fieldValidation"] {
  return ["Strict", "Warn", "Ignore"].includes(text);
}

function unsupported(field: string, value: unknown, supported: string): Cause {
  return { reason: "FieldValueNotSupported", message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`, field };
}
