/** Errors as sentences: what was expected, what came, what to do; and the exit code of each. */
import { ApiError, Conflict, Unreachable } from "../kubernetes/errors.ts";
import { EXIT, Failure } from "./failure.ts";
import type { World } from "./world.ts";

export interface Ending {
  readonly sentence: string;
  readonly exitCode: number;
}

export function endingOf(error: unknown, { interrupted }: Pick<World, "interrupted">): Ending {
  if (interrupted.aborted) return { sentence: "", exitCode: EXIT.interrupted };
  if (error instanceof Failure) return { sentence: error.message, exitCode: error.exitCode };
  if (error instanceof Conflict) return { sentence: `${error.message}; somebody else was faster: look again, and say it again`, exitCode: EXIT.conflict };
  if (error instanceof Unreachable) return { sentence: `${error.message}; check the network, and --context`, exitCode: EXIT.error };
  if (error instanceof ApiError) return apiEnding(error);
  return { sentence: error instanceof Error ? error.message : String(error), exitCode: EXIT.error };
}

function apiEnding({ status, message }: ApiError): Ending {
  const said = message.replace(/^[a-z]+ \/\S*: \d+ /, "");
  if (status === 401) return { sentence: `the API server does not know who you are (${said}): log in again, or choose another --context`, exitCode: EXIT.forbidden };
  if (status === 403) return { sentence: `${said}; ask for the role weir-operate, or weir-admin where this needs it`, exitCode: EXIT.forbidden };
  if (status === 404 && !said.includes('"')) return { sentence: `the API server has no such resource (${said}): is Weir installed? weir doctor looks`, exitCode: EXIT.notFound };
  return { sentence: said, exitCode: status === 404 ? EXIT.notFound : EXIT.error };
}
