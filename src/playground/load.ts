/** HTTP requests at their own pace, each by itself. */
import { Agent, request as sendRequest, type IncomingHttpHeaders } from "node:http";
import { createArrivals, type Load, type Pace } from "./arrivals.ts";

export interface Asked {
  /** Where requests are sent: a proxy's address and path. */
  readonly url: string;
  /** The Host header. */
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: GET. */
  readonly method?: string;
}

export function createLoad(options: Asked & Pace): Load {
  const agent = new Agent({ keepAlive: true });
  return createArrivals(options, () => ask(options, agent), () => agent.destroy());
}

/** Who answered, and how: `v1 200`. `seen` is told the answer's headers. */
export function ask({ url, host, headers, method }: Asked, agent: Agent, seen: (headers: IncomingHttpHeaders) => void = () => undefined): Promise<string> {
  return new Promise((resolve) => {
    const request = sendRequest(url, { agent, method, headers: { ...headers, host } }, (answer) => {
      const version = String(answer.headers["x-version"] ?? "-");
      seen(answer.headers);
      answer.once("close", () => resolve(answer.complete ? `${version} ${answer.statusCode}` : `${version} 0`)).resume();
    });
    request.once("error", () => resolve("- 0")).end();
  });
}
