/** Answers that are not a success, as `Status` objects in the words of the real server. */
import type { JsonObject } from "./json.ts";

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

export class StatusError extends Error {
  override readonly name = "StatusError";
  constructor(
    readonly status: number,
    readonly reason: string | undefined,
    message: string,
    readonly details?: JsonObject,
    readonly metadata: JsonObject = {},
  ) {
    super(message);
  }
}

export function statusObject(error: StatusError): JsonObject {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: error.metadata,
    status: "Failure",
    message: error.message,
    ...(error.reason !== undefined && { reason: error.reason }),
    ...(error.details !== undefined && { details: error.details }),
    code: error.status,
  };
}

/** What an answer calls a kind: `{group: "weir.dev", plural: "rollouts", kind: "Rollout"}`. */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

export function notFound(named: Named, name: string): StatusError {
  return new StatusError(404, "NotFound", `${qualified(named)} "${name}" not found`, detailsOf(named, name));
}

export function alreadyExists(named: Named, name: string): StatusError {
  return new StatusError(409, "AlreadyExists", `${qualified(named)} "${name}" already exists`, detailsOf(named, name));
}

export function modified(named: Named, name: string): StatusError {
  return conflict(named, name, "the object has been modified; please apply your changes to the latest version and try again");
}

export function conflict(named: Named, name: string, why: string): StatusError {
  return new StatusError(409, "Conflict", `Operation cannot be fulfilled on ${qualified(named)} "${name}": ${why}`, detailsOf(named, name));
}

export function forbidden(named: Named, name: string, why: string): StatusError {
  return new StatusError(403, "Forbidden", `${qualified(named)} "${name}" is forbidden: ${why}`, detailsOf(named, name));
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

export function tooLarge(why: string): StatusError {
  return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: ${why}`);
}

/** Something within this server went wrong: what, without where. */
export function internalError(error: unknown): StatusError {
  const [message] = (error instanceof Error ? error.message : String(error)).split("\n");
  return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** `causes` holds at least one. */
export function invalid(group: string, kind: string, name: string, causes: readonly Cause[]): StatusError {
  const said = causes.map(({ field, message }) => `${field}: ${message}`);
  const text = said.length === 1 ? said.join("") : `[${said.join(", ")}]`;
  const details = { ...(name !== "" && { name }), ...(group !== "" && { group }), kind, causes };
  return new StatusError(422, "Invalid", `${group === "" ? kind : `${kind}.${group}`} "${name}" is invalid: ${text}`, details);
}

/** A JSON patch that cannot be carried out, a failed `test` included: the server says no more than this. */
export function patchRefused(): StatusError {
  return new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

export function unsupportedMediaType(accepted: readonly string[], advice = ""): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}${advice}`;
  return new StatusError(415, "UnsupportedMediaType", message);
}

function qualified({ group, plural }: Named): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function detailsOf({ group, plural }: Named, name: string): JsonObject {
  return { name, ...(group !== "" && { group }), kind: plural };
}
