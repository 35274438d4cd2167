/** How a command ends: exit codes, and the error that carries one. */

export const EXIT = {
  error: 1,
  usage: 2,
  notFound: 3,
  /** `wait`, `watch` and `backtest` alone. */
  degraded: 4,
  /** `wait`, `watch` and `backtest` alone: paused, and a person is needed. */
  paused: 5,
  timeout: 6,
  /** The run moved on, was superseded, or a command was refused. */
  conflict: 7,
  forbidden: 8,
  interrupted: 130,
} as const;

/** Ends the command; the message, one sentence, goes to stderr unless it is empty. */
export class Failure extends Error {
  override readonly name = "Failure";
  constructor(
    message: string,
    readonly exitCode: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
