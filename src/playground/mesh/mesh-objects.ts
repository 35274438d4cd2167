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

export const HttpDestination = z.object({
  destination: z.object({ host: z.string(), subset: z.string().optional() }),
  weight: z.int().min(0).optional(),
});
export type HttpDestination = z.infer<typeof HttpDestination>;

const HttpRoute = z.object({
  name: z.string().optional(),
  match: z.array(HttpMatch).optional(),
  route: z.array(HttpDestination).min(1),
});

const Metadata = z.object({ name: z.string(), namespace: z.string(), creationTimestamp: z.string().optional() });

export const VirtualService = z.object({
  metadata: Metadata,
  spec: z.object({
    hosts: z.array(z.string()),
    gateways: z.array(z.string()).default(["mesh"]),
    http: z.array(HttpRoute).default([]),
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
