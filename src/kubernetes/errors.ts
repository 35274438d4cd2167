/** What may go wrong between us and the API server, by what the caller can do about it. */

/** The object has moved on since it was read: nothing was written; look again. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** The API server answered, and not with success. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  constructor(
    message: string,
    readonly status: number,
    /** The Status object's `reason`, e.g. `NotFound`, `Forbidden`, `Invalid`. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** No answer: refused, reset, timed out. Whether the request took effect is unknown. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}
