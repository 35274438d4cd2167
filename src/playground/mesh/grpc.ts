/** Calls by gRPC, which go by HTTP/1 here: a POST to `/package.Service/Method`, whose answer tells its status in a header, as gRPC's Trailers-Only form does. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { StringMatch } from "./mesh-objects.ts";

export const GRPC = "application/grpc";
const STATUS = "grpc-status";

const OK = "0";
const UNIMPLEMENTED = "12";
const INTERNAL = "13";
const UNAVAILABLE = "14";

/** Of the header content-type: also with an encoding, such as `application/grpc+proto`. */
export const CALLS: StringMatch = { regex: `${GRPC}([+;].*)?` };

export function isCall({ "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return new RegExp(`^${GRPC}([+;]|$)`).test(type);
}

/** Empty where the answer tells none. */
export function grpcStatusIn({ [STATUS]: status }: IncomingHttpHeaders): string {
  return typeof status === "string" ? status : "";
}

/** How an application ends a call: always with 200. */
export function callEnded(failed: boolean): OutgoingHttpHeaders {
  return ended(failed ? INTERNAL : OK);
}

/** How Envoy ends a call in a pod's stead, by what it would answer to another request. */
export function callRefused(code: number): OutgoingHttpHeaders {
  return ended(code === 404 ? UNIMPLEMENTED : UNAVAILABLE);
}

function ended(status: string): OutgoingHttpHeaders {
  return { "content-type": GRPC, [STATUS]: status };
}
