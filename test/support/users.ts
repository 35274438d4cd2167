/** Users with a cookie jar each, who ask for an application one request after the other. */
import { Agent, request, type IncomingMessage } from "node:http";
import { cookieIn, keepCookies, type CookieJar } from "../../src/playground/cookie-jar.ts";

/** What one user was answered by, in the order of the requests: `v1`, or `v1 500` where it failed. */
export type Answers = readonly string[];

export interface Users {
  /** Each of the first so many users asks so often; jars are kept from one call to the next. */
  ask(count: number, requestsEach: number): Promise<readonly Answers[]>;
  /** The jar of one user. */
  jar(user: number): ReadonlyMap<string, string>;
  close(): void;
}

const AT_ONCE = 40;

/** `url` of a proxy; `host` names the application; `headers` and `method` (default: GET): of every request. */
export function createUsers({ url, host, headers = {}, method }: { readonly url: string; readonly host: string; readonly headers?: Readonly<Record<string, string>>; readonly method?: string }): Users {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const jars: CookieJar[] = [];
  const jarOf = (user: number): CookieJar => (jars[user] ??= new Map());

  async function once(jar: CookieJar): Promise<string> {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => void request(url, { agent, method, headers: { ...headers, host, ...cookieIn(jar) } }, resolve).on("error", reject).end());
    keepCookies(jar, answer.headers);
    await new Promise((resolve) => answer.resume().once("close", resolve));
    const version = String(answer.headers["x-version"]);
    return answer.statusCode === 200 ? version : `${version} ${answer.statusCode}`;
  }

  async function askOften(user: number, times: number): Promise<Answers> {
    const answers: string[] = [];
    while (answers.length < times) answers.push(await once(jarOf(user)));
    return answers;
  }

  return {
    async ask(count, requestsEach) {
      const all: Answers[] = [];
      let next = 0;
      const work = async (): Promise<void> => {
        for (let user = next++; user < count; user = next++) all[user] = await askOften(user, requestsEach);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return all;
    },
    jar: jarOf,
    close: () => agent.destroy(),
  };
}
