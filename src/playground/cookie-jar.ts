/** What one user keeps from one answer to the next. */
import type { IncomingHttpHeaders } from "node:http";

/** Value by name. */
export type CookieJar = Map<string, string>;

/** The header of the next request; none where the jar is empty. */
export function cookieIn(jar: CookieJar): { readonly cookie?: string } {
  return jar.size === 0 ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") };
}

/** As an agent does it: the name and value before the first semicolon. */
export function keepCookies(jar: CookieJar, { "set-cookie": set = [] }: IncomingHttpHeaders): void {
  for (const text of set) {
    const [pair = ""] = text.split(";", 1);
    const at = pair.indexOf("=");
    jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
}
