/** The log: JSON lines by pino, from which secrets are taken out before they are written. */
import { pino, type Logger as Pino } from "pino";
import { scrubbed } from "./scrub.ts";

/** Metadata plus a static message; an error goes under the key `error`. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose every line carries `fields`, e.g. the Rollout, its run and the tick. */
  child(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface LoggerOptions {
  /** One of pino's levels, or `silent`. */
  readonly level: string;
  /** Where lines go; default: standard output. */
  readonly destination?: { write(line: string): void };
}

export function createLogger({ level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return wrap(destination ? pino(options, destination) : pino(options));
}

function wrap(log: Pino): Logger {
  return {
    debug: (fields, message) => log.debug(scrubbed(fields), message),
    info: (fields, message) => log.info(scrubbed(fields), message),
    warn: (fields, message) => log.warn(scrubbed(fields), message),
    error: (fields, message) => log.error(scrubbed(fields), message),
    child: (fields) => wrap(log.child(scrubbed(fields))),
  };
}
