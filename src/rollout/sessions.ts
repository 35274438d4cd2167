/** Users who stay with the version that has answered them, by a cookie: what a run wants of its route, and who draws anew when its share changes. */
import { type Case, type RouteLook, routeOf } from "./case.ts";
import type { RouteFound } from "./observation.ts";
import type { ValidRollout } from "./rollout.ts";
import { sessionName } from "./route-names.ts";
import type { SessionAffinity } from "./spec-sessions.ts";
import type { Run, Sessions } from "./status.ts";
import { msOf } from "./units.ts";

/** Our routes by which users stay with stable or canary. */
export interface SessionsWanted {
  readonly stable: string;
  readonly canary: string;
  readonly cookie: string;
  /** What follows the cookie's value, such as `Max-Age=86400; Path=/`. */
  readonly attributes: string;
  /** What the value of each cookie begins with that counts. */
  readonly token: string;
  /** The canary's points of 100 at which users have drawn, ascending; the last one is in force. */
  readonly shares: readonly number[];
}

/** What a run that goes on wants, wherever its route lets it. */
export function sessionsWanted({ metadata }: Pick<ValidRollout, "metadata">, { number, from, to, sessions }: Run): SessionsWanted | undefined {
  if (!sessions) return undefined;
  const { cookie, attributes, since, shares } = sessions;
  // A Rollout that was deleted and made anew counts its runs from 1 again.
  return { stable: from.version, canary: to.version, cookie, attributes, token: `${metadata.uid.split("-")[0]}.${number}.${since}`, shares };
}

/**
 * The pins of a run whose canary has so many points of 100 now. Where it has more than before, holders of stable's cookie draw for the difference
 * alone; where it has less, or the cookie is another one, nobody's cookie counts any more. None where one side has everything.
 */
export function pinnedAt({ metadata, spec }: Pick<ValidRollout, "metadata" | "spec">, { sessions: before, epoch }: Pick<Run, "sessions" | "epoch">, points: number): Pick<Run, "sessions"> {
  const { sessionAffinity } = spec.strategy;
  if (!sessionAffinity || points <= 0 || points >= 100) return {};
  const given = { cookie: sessionAffinity.cookieName ?? sessionName(metadata), attributes: attributesOf(sessionAffinity) };
  const last = before?.shares.at(-1) ?? 0;
  if (!before || before.cookie !== given.cookie || before.attributes !== given.attributes || points < last) return { sessions: { ...given, since: epoch, shares: [points] } };
  return { sessions: points === last ? before : { ...before, shares: [...before.shares, points] } };
}

function attributesOf({ maxAge, path, domain, sameSite, secure, httpOnly }: SessionAffinity): string {
  return [
    `Max-Age=${Math.ceil(msOf(maxAge) / 1_000)}`,
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite}`]),
    ...(secure ? ["Secure"] : []),
    ...(httpOnly ? ["HttpOnly"] : []),
  ].join("; ");
}

/** Why no user of this route can be kept with one of the two; undefined where they can. */
export function cannotPin(it: RouteLook, { from, to }: Pick<Run, "from" | "to">): string | undefined {
  const route = routeOf(it);
  if (!route) return undefined;
  const other = route.destinations.find(({ version, points }) => points > 0 && version !== from.version && version !== to.version);
  if (other) return `${route.name} leads to ${other.version} as well, and users stay with ${from.version} or ${to.version} alone: take it out of the route, or sessionAffinity out of the strategy`;
  if (route.conditions.includes("header cookie")) return `${route.name} asks for header cookie itself, so ours cannot be asked for once more: take that out of it, or sessionAffinity out of the strategy`;
  return route.sessionObstacle && `${route.name} ${route.sessionObstacle}`;
}

/** The same, where a step with this weight is to keep them. */
export function cannotPinAt(it: RouteLook & Pick<Case, "spec">, run: Pick<Run, "from" | "to">, weightPercent: number): string | undefined {
  const isKept = it.spec.strategy.sessionAffinity !== undefined && weightPercent > 0 && weightPercent < 100;
  return isKept ? cannotPin(it, run) : undefined;
}

/** Whether users are kept with their versions as the run wants it. `outdated`: by routes that do all else as the user's route did before its owner edited it. */
export function sessionState(it: RouteLook, run: Run, { sessions: seen }: RouteFound): "asWanted" | "removed" | "changed" | "outdated" {
  const isWanted = run.sessions !== undefined && cannotPin(it, run) === undefined;
  if (!seen) return isWanted ? "removed" : "asWanted";
  if (!isWanted || !seen.isIntact) return "changed";
  return seen.isCurrent ? "asWanted" : "outdated";
}

/** The share of the requests says nothing about a weight that is of users: a few of them may send most of the requests. */
export function areUsersWeighed({ sessions }: { readonly sessions?: Sessions | undefined }): boolean {
  return sessions !== undefined;
}
