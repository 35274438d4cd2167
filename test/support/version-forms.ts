/** How a VirtualService tells the versions of an application apart: by the subset of its one host, or by host, where each version is a Service of its own. */
import type { SampleApp } from "../../src/playground/samples/sample-apps.ts";
import { CANARY, STABLE } from "./deliveries.ts";
import type { TestApi } from "./kubernetes-apis.ts";
import { shortened } from "./whole-run.ts";

export interface VersionForm {
  readonly form: "subsets" | "hosts";
  /** A route, or all routes of an object, whose destinations are told so. */
  readonly told: <Routed>(bySubsets: Routed) => Routed;
  /** As the route and the Rollout call it. */
  readonly versionOf: (name: string, version: string) => string;
  /** The one by which the mesh counts what the version gets. */
  readonly serviceOf: (name: string, version: string) => string;
}

export const BY_SUBSETS: VersionForm = { form: "subsets", told: (bySubsets) => bySubsets, versionOf: (_, version) => version, serviceOf: (name) => name };
export const BY_HOSTS: VersionForm = { form: "hosts", told: toldByHosts, versionOf: serviceOf, serviceOf };

export interface AppInForm extends VersionForm {
  readonly app: SampleApp;
}

export interface Destination {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly weight?: number;
}

/** An application in each form, under a name for each; by subsets alone where the run is a short one. */
export function inEachForm(name: string, appOf: (name: string) => SampleApp): readonly AppInForm[] {
  return shortened([BY_HOSTS, BY_SUBSETS]).map((form) => ({ ...form, app: inForm(form, appOf(form === BY_HOSTS ? `${name}-hosts` : name)) }));
}

export function inForm({ told }: VersionForm, app: SampleApp): SampleApp {
  return { ...app, virtualService: told(app.virtualService) };
}

/** The Services of those that are told by host. */
export async function serveVersions(api: Pick<TestApi, "request">, namespace: string, apps: readonly AppInForm[]): Promise<void> {
  for (const { form, app } of apps) if (form === "hosts") await createVersionServices(api, namespace, app.name);
}

/** A Service for each version of one application. */
export async function createVersionServices({ request }: Pick<TestApi, "request">, namespace: string, name: string): Promise<void> {
  for (const version of [STABLE, CANARY]) {
    await request("POST", `/api/v1/namespaces/${namespace}/services`, {
      apiVersion: "v1", kind: "Service", metadata: { name: serviceOf(name, version) }, spec: { selector: { app: name, version }, ports: [{ name: "http", port: 9080 }] },
    });
  }
}

/** The new version's weight among the destinations of a route, in either form. */
export function canaryWeightIn(route: readonly Destination[]): number {
  return route.find(({ destination: { host, subset } }) => subset === CANARY || host.endsWith(`-${CANARY}`))?.weight ?? 0;
}

function serviceOf(name: string, version: string): string {
  return `${name}-${version}`;
}

function toldByHosts<Routed>(bySubsets: Routed): Routed {
  const tell = (key: string, value: unknown): unknown => (key === "destination" ? byHost(value as Destination["destination"]) : value);
  return JSON.parse(JSON.stringify(bySubsets), tell) as Routed;
}

function byHost({ host, subset, ...rest }: Destination["destination"]): Destination["destination"] {
  return { host: subset === undefined ? host : serviceOf(host, subset), ...rest };
}
