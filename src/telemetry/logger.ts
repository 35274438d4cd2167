/** The log: JSON lines by pino, from which secrets are taken out before they are written. */
import { pino, type Logger as Pino } from "pino";
import { scrubbed } from "./scrub.ts";

/** A static message plus metadata; `error` under the key `error`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries `fields`, e.g. the Rollout, its run and the tick. */
  child(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

export interface LoggerOptions {
  readonly level: LogLevel;
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
    debug: (message, fields) => log.debug(scrubbed(fields), message),
    info: (message, fields) => log.info(scrubbed(fields), message),
    warn: (message, fields) => log.warn(scrubbed(fields), message),
    error: (message, fields) => log.error(scrubbed(fields), message),
    child: (fields) => wrap(log.child(scrubbed(fields))),
  };
}
