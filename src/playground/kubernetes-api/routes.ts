/** The paths that the server answers: one table; everything else is about resources. */
import type { Answer, ApiCall } from "./api-call.ts";
import { coreVersions, groupList, groupOf, PAGE_NOT_FOUND, resourceList } from "./discovery.ts";
import { openApiDocument, openApiIndex } from "./openapi.ts";
import { answerResource, type Parts } from "./resource-verbs.ts";
import { StatusError } from "./status-error.ts";

type Route = readonly [pattern: RegExp, answer: (parts: Parts, call: ApiCall, captured: readonly string[]) => Answer];

const ROUTES: readonly Route[] = [
  [/^\/(?:readyz|livez|healthz)$/, () => ({ status: 200, body: "ok", contentType: "text/plain; charset=utf-8" })],
  [/^\/version\/?$/, () => ({ status: 200, body: VERSION })],
  [/^\/$/, () => ({ status: 200, body: { paths: ["/api", "/apis", "/openapi/v3", "/readyz", "/version"] } })],
  [/^\/api\/?$/, ({ registry }, call) => coreVersions(registry, call)],
  [/^\/apis\/?$/, ({ registry }, call) => groupList(registry, call)],
  [/^\/apis\/([^/]+)\/?$/, ({ registry }, _call, [group = ""]) => groupOf(registry, group)],
  [/^\/api\/([^/]+)\/?$/, ({ registry }, _call, [version = ""]) => resourceList(registry, "", version)],
  [/^\/apis\/([^/]+)\/([^/]+)\/?$/, ({ registry }, _call, [group = "", version = ""]) => resourceList(registry, group, version)],
  [/^\/openapi\/v2\/?$/, () => NO_OPENAPI_V2],
  [/^\/openapi\/v3\/?$/, ({ registry }) => openApiIndex(registry)],
  [/^\/openapi\/v3\/(.+)$/, ({ registry }, _call, [path = ""]) => openApiDocument(registry, path)],
];

/** kubectl asks for it after v3, as protobuf, and needs an answer: of nothing, that is the empty text. */
const NO_OPENAPI_V2: Answer = { status: 200, body: "", contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" };

/** The version of Kubernetes whose protocol this is. */
const VERSION = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.3+weir-playground",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "playground",
};

export function answer(parts: Parts, call: ApiCall): Answer {
  if (call.target) return answerResource(call, call.target, parts);
  for (const [pattern, respond] of ROUTES) {
    const match = pattern.exec(call.path);
    if (match && call.method !== "GET") throw new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    if (match) return respond(parts, call, match.slice(1));
  }
  return PAGE_NOT_FOUND;
}
