/** The parts of Istio's and Kubernetes' objects that the embedded mesh reads. */
import { z } from "zod";

const Labels = z.record(z.string(), z.string());

export const StringMatch = z.union([
  z.object({ exact: z.string() }),
  z.object({ prefix: z.string() }),
  z.object({ regex: z.string() }),
  z.strictObject({}),
]);
/** `{}` asks for presence only. */
export type StringMatch = z.infer<typeof StringMatch>;

export const HttpMatch = z.strictObject({
  name: z.string().optional(),
  uri: StringMatch.optional(),
  ignoreUriCase: z.boolean().optional(),
  method: StringMatch.optional(),
  authority: StringMatch.optional(),
  headers: z.record(z.string(), StringMatch).optional(),
  withoutHeaders: z.record(z.string(), StringMatch).optional(),
  queryParams: z.record(z.string(), StringMatch).optional(),
  sourceLabels: Labels.optional(),
  gateways: z.array(z.string()).optional(),
});
/** Conditions that must all hold. Strict: a condition that this mesh does not know must not be passed over. */
export type HttpMatch = z.infer<typeof HttpMatch>;

const Destination = z.object({ host: z.string(), subset: z.string().optional() });
const Percentage = z.object({ value: z.number().default(0) }).optional();

/** Copies of requests go there as well; all of them where no percentage is said. */
const HttpMirror = z.object({ destination: Destination, percentage: Percentage });
export type HttpMirror = z.infer<typeof HttpMirror>;

/** What is done to the headers of an answer: taken out, put in the place of others, or put beside them. */
const HeaderEdit = z.object({ remove: z.array(z.string()).default([]), set: Labels.default({}), add: Labels.default({}) });
export type HeaderEdit = z.infer<typeof HeaderEdit>;

const Headers = z.object({ response: HeaderEdit.optional() }).optional();

export const HttpDestination = z.object({
  destination: Destination,
  weight: z.int().min(0).optional(),
  headers: Headers,
});
export type HttpDestination = z.infer<typeof HttpDestination>;

const HttpRoute = z.object({
  name: z.string().optional(),
  match: z.array(HttpMatch).optional(),
  route: z.array(HttpDestination).default([]),
  delegate: z.object({ name: z.string(), namespace: z.string().optional() }).optional(),
  headers: Headers,
  mirror: Destination.optional(),
  mirrorPercentage: Percentage,
  mirrors: z.array(HttpMirror).default([]),
}).refine(({ route, delegate }) => route.length > 0 || delegate !== undefined, "expected a destination, or whom it delegates to");

/** Conditions of a tls route or of a tcp route, which asks for no server name; strict as above. */
export const ConnectionMatch = z.strictObject({
  port: z.int().optional(),
  sniHosts: z.array(z.string()).optional(),
  sourceLabels: Labels.optional(),
  gateways: z.array(z.string()).optional(),
});
export type ConnectionMatch = z.infer<typeof ConnectionMatch>;

const ConnectionRoute = z.object({
  match: z.array(ConnectionMatch).optional(),
  route: z.array(HttpDestination.omit({ headers: true })).min(1),
});

const Metadata = z.object({ name: z.string(), namespace: z.string(), creationTimestamp: z.string().optional() });

export const VirtualService = z.object({
  metadata: Metadata,
  spec: z.object({
    hosts: z.array(z.string()).default([]), // one that is delegated to has none
    gateways: z.array(z.string()).default(["mesh"]),
    http: z.array(HttpRoute).default([]),
    tls: z.array(ConnectionRoute).default([]),
    tcp: z.array(ConnectionRoute).default([]),
  }),
});
export type VirtualService = z.infer<typeof VirtualService>;

export const DestinationRule = z.object({
  metadata: Metadata,
  spec: z.object({
    host: z.string(),
    subsets: z.array(z.object({ name: z.string(), labels: Labels.default({}) })).default([]),
  }),
});
export type DestinationRule = z.infer<typeof DestinationRule>;

/** A Kubernetes Service. */
export const ServiceObject = z.object({
  metadata: Metadata,
  spec: z.object({ selector: Labels.default({}) }),
});
export type ServiceObject = z.infer<typeof ServiceObject>;

export const ServiceEntry = z.object({
  metadata: Metadata,
  spec: z.object({ hosts: z.array(z.string()), workloadSelector: z.object({ labels: Labels.default({}) }).optional() }),
});
export type ServiceEntry = z.infer<typeof ServiceEntry>;
