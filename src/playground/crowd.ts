/** Users with a cookie jar each, who ask in turn, again and again. */
import { Agent } from "node:http";
import { createArrivals, type Load, type Pace } from "./arrivals.ts";
import { cookieIn, keepCookies, type CookieJar } from "./cookie-jar.ts";
import { ask, type Asked } from "./load.ts";

export interface CrowdOptions extends Asked, Omit<Pace, "maxInFlight"> {
  readonly users: number;
}

export interface Sides {
  /** Users by the version that answered them last. */
  readonly on: Readonly<Record<string, number>>;
  /** How often a user was answered by a version after another one. */
  readonly came: Readonly<Record<string, number>>;
}

export interface Crowd extends Load {
  sides(): Sides;
}

interface User {
  readonly jar: CookieJar;
  /** That answered last. */
  version?: string;
}

/** No user asks again before the last request is answered. */
export function createCrowd(options: CrowdOptions): Crowd {
  const agent = new Agent({ keepAlive: true });
  const users = Array.from({ length: options.users }, (): User => ({ jar: new Map() }));
  const idle = [...users];
  const came: Record<string, number> = {};
  const send = async (): Promise<string> => {
    const user = idle.shift()!; // no more arrive than there are
    const outcome = await ask({ ...options, headers: { ...options.headers, ...cookieIn(user.jar) } }, agent, (headers) => keepCookies(user.jar, headers));
    idle.push(user);
    const [version = "-"] = outcome.split(" ");
    if (version !== "-" && user.version !== undefined && user.version !== version) came[version] = (came[version] ?? 0) + 1;
    if (version !== "-") user.version = version;
    return outcome;
  };
  const load = createArrivals({ ...options, maxInFlight: users.length }, send, () => agent.destroy());
  return { ...load, sides: () => ({ on: sizesOf(users), came: { ...came } }) };
}

function sizesOf(users: readonly User[]): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const { version } of users) if (version !== undefined) sizes[version] = (sizes[version] ?? 0) + 1;
  return sizes;
}
