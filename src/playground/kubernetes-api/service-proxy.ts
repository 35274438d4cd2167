/** `.../services/NAME:PORT/proxy/...`: requests through the API server to what stands behind a Service. */
import http from "node:http";
import type { Answer, ApiCall } from "./api-call.ts";
import type { ResourcePath } from "./resource-path.ts";
import { notFound, StatusError } from "./status-error.ts";

/** Where a Service's port is reached, such as `http://127.0.0.1:8080`; nothing if nobody is there. */
export type ServiceAddress = (namespace: string, name: string, port: string) => string | undefined;

const SERVICES = { group: "", plural: "services", kind: "Service" };

/** `name` is `[scheme:]service[:port]`. */
export function proxied(call: ApiCall, target: ResourcePath, addressOf: ServiceAddress): Answer {
  const [service = "", port = ""] = (target.name ?? "").replace(/^https?:/, "").split(":");
  const address = addressOf(target.namespace ?? "", service, port);
  if (address === undefined) throw notFound(SERVICES, service);
  const query = call.query.size > 0 ? `?${call.query.toString()}` : "";
  const url = new URL(`/${target.rest.map(encodeURIComponent).join("/")}${query}`, address);
  return {
    stream(response) {
      const request = http.request(url, { method: call.method, headers: { accept: call.headers.accept ?? "*/*" }, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, { "content-type": answer.headers["content-type"] ?? "text/plain" });
        answer.pipe(response);
      });
      request.on("error", (cause) => refuse(response, cause));
      response.on("close", () => request.destroy());
      request.end(call.body);
    },
  };
}

function refuse(response: http.ServerResponse, cause: Error): void {
  const error = new StatusError(503, "ServiceUnavailable", `error trying to reach service: ${cause.message}`);
  if (!response.headersSent) response.writeHead(error.status, { "content-type": "text/plain" });
  response.end(error.message);
}
