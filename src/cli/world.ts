/** What a verb is given of the world outside the cluster: streams, environment, and the person's Ctrl-C. */
import type { CliEnvironment } from "../config.ts";

export interface World {
  readonly environment: CliEnvironment;
  /** One or more lines, without the last line's end. */
  out(text: string): void;
  err(text: string): void;
  /** As it is: control sequences, and text that brings its own line ends. */
  raw(text: string): void;
  readonly isTty: boolean;
  /** As it is, to the stream of errors; undefined where no terminal shows that stream. */
  readonly progress?: (text: string) => void;
  columns(): number;
  rows(): number;
  stdin(): Promise<string>;
  nowMs(): number;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** A world whose environment is read when a verb needs it: help needs none. */
export interface Outside extends Omit<World, "environment"> {
  environment(): Promise<CliEnvironment>;
}
