/** The defaults that rules need as well as schemas. The CRD persists none of them: an upgrade must not change stored specs (law 15). */
export const DEFAULT_HOLD = "1m";
/** Of `blueGreen`: time enough for a person to see what the switch did, and to go back to pods that are there. */
export const DEFAULT_KEEP_OLD = "10m";
export const DEFAULT_PROPAGATION = "5s";
export const DEFAULT_INTERVAL = "10s";
export const DEFAULT_SETTLE = "1s";
export const DEFAULT_MIN_VERDICTS = 3;
export const DEFAULT_MAX_HOLD = "5m";
/** Name of the one metric where none are given. */
export const DEFAULT_METRIC = "errors";
export const DEFAULT_FALSE_ROLLBACK = "1%";
