/** The Kubernetes API on our transport: plain JSON in and out, errors by what the caller can do about them. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { KubernetesClient, KubernetesObject, ObjectList, Resource, WatchEvent } from "./client.ts";
import { ApiError, Conflict, Unreachable } from "./errors.ts";
import { linesOf } from "./lines.ts";
import { listQuery, pathOf, queryOf, writeQuery } from "./paths.ts";
import type { Answer, Transport } from "./transport.ts";
import type { TransportRequest } from "./wire.ts";

/** An object in etcd is at most 1.5 MiB; a watch event holds one. */
const MOST_LINE_CHARS = 16 * 1024 * 1024;
/** Of an answer that is not from the API server (a proxy's page). */
const MOST_QUOTED_CHARS = 200;

const PATCH_TYPES = { json: "application/json-patch+json", merge: "application/merge-patch+json", apply: "application/apply-patch+yaml" } as const;

export function createKubernetesClient(transport: Transport): KubernetesClient {
  const asObject = (request: TransportRequest): Promise<KubernetesObject> => call(transport, request) as Promise<KubernetesObject>;
  return {
    get: (resource, namespace, name) => asObject({ method: "GET", path: pathOf(resource, namespace, name), ...labels("get", resource) }),
    list: (resource, namespace, options = {}) =>
      call(transport, { method: "GET", path: pathOf(resource, namespace) + queryOf(listQuery(options)), ...labels("list", resource) }) as Promise<ObjectList>,
    create: (resource, namespace, object, options) => {
      const path = pathOf(resource, namespace) + queryOf(writeQuery(options));
      return asObject({ method: "POST", path, ...json(object), ...labels("create", resource) });
    },
    patch: (resource, namespace, name, patch, options) => {
      const force = patch.type === "apply" ? patch.force : undefined;
      const path = pathOf(resource, namespace, name, options?.subresource) + queryOf({ ...writeQuery(options), force });
      return asObject({ method: "PATCH", path, ...json(patch.body, PATCH_TYPES[patch.type]), ...labels("patch", resource) });
    },
    async delete(resource, namespace, name, options) {
      const { propagation: propagationPolicy, ...preconditions } = options ?? {};
      const body = options && json({ apiVersion: "v1", kind: "DeleteOptions", preconditions, ...(propagationPolicy ? { propagationPolicy } : {}) });
      await call(transport, { method: "DELETE", path: pathOf(resource, namespace, name), ...body, ...labels("delete", resource) });
    },
    watch: (resource, namespace, options, signal) => {
      const query = { ...listQuery(options), watch: true, allowWatchBookmarks: true, timeoutSeconds: options.timeoutSeconds };
      return events(transport, { method: "GET", path: pathOf(resource, namespace) + queryOf(query), ...labels("watch", resource) }, signal);
    },
    request: (method, path, body) => call(transport, { method, path, ...(body !== undefined && json(body)), verb: "request", resource: "" }),
  };
}

function labels(verb: string, resource: Resource): { readonly verb: string; readonly resource: string } {
  return { verb, resource: resource.plural };
}

function json(body: unknown, contentType = "application/json"): { readonly contentType: string; readonly body: string } {
  return { contentType, body: JSON.stringify(body) };
}

async function call(transport: Transport, request: TransportRequest): Promise<unknown> {
  const answer = await transport.send(request);
  if (answer.status < 200 || answer.status > 299) throw refusal(request, answer);
  const parsed = parsedOrUndefined(answer.body);
  if (parsed === undefined) throw new ApiError(`${nameOf(request)}: expected JSON, got ${quoted(answer.body)}`, answer.status, "NotJson");
  return parsed;
}

async function* events(transport: Transport, request: TransportRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  if (signal.aborted) return;
  try {
    const answer = await transport.open(request, signal);
    if (answer.statusCode !== 200) throw refusal(request, { status: answer.statusCode ?? 0, body: await transport.read(answer) });
    yield* eventsIn(answer);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* eventsIn(answer: IncomingMessage): AsyncGenerator<WatchEvent> {
  answer.setEncoding("utf8");
  try {
    for await (const line of linesOf(answer as AsyncIterable<string>, MOST_LINE_CHARS)) yield JSON.parse(line) as WatchEvent;
  } catch (error) {
    throw isConnectionError(error) ? new Unreachable(`The watch broke: ${(error as Error).message}`, { cause: error }) : error;
  } finally {
    answer.destroy();
  }
}

function isConnectionError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}

const Status = z.object({
  message: z.string().optional(),
  reason: z.string().optional(),
  details: z.object({ causes: z.array(z.unknown()).optional() }).optional(),
});
type Status = z.infer<typeof Status>;

function refusal(request: TransportRequest, answer: Answer): ApiError | Conflict {
  const status = Status.safeParse(parsedOrUndefined(answer.body)).data;
  const sentence = `${nameOf(request)}: ${answer.status} ${status?.message ?? quoted(answer.body)}`;
  if (answer.status === 409 || isFailedTest(request, answer, status)) return new Conflict(sentence);
  return new ApiError(sentence, answer.status, status?.reason ?? "Unknown");
}

/**
 * A JSON patch that does not apply (a failed `test` above all) is answered like an invalid object, with 422 and `Invalid`;
 * only the latter says what is invalid.
 */
function isFailedTest(request: TransportRequest, answer: Answer, status: Status | undefined): boolean {
  return answer.status === 422 && request.contentType === PATCH_TYPES.json && status?.details?.causes === undefined;
}

function nameOf(request: TransportRequest): string {
  return `${request.verb} ${request.path.split("?", 1)[0]}`;
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function quoted(text: string): string {
  return text.trim() === "" ? "an empty answer" : JSON.stringify(text.slice(0, MOST_QUOTED_CHARS));
}
