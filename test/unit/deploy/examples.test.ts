/** The Rollouts under rollouts/ are good, and stand beside what they act on. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { lintText } from "../../../src/cli/lint/lint-text.ts";
import { followersIn } from "../../../src/rollout/spec-followers.ts";
import { RolloutSpec } from "../../../src/rollout/spec.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}
interface IstioRoute {
  readonly route: readonly { readonly destination: { readonly host: string; readonly subset: string } }[];
}
interface VirtualService {
  readonly http?: readonly (IstioRoute & { readonly name?: string })[];
  readonly tcp?: readonly (IstioRoute & { readonly match: readonly { readonly port: number }[] })[];
}
interface DestinationRule {
  readonly host: string;
  readonly subsets: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
}

interface HttpRoute {
  readonly rules: readonly { readonly name: string; readonly backendRefs: readonly { readonly name: string }[] }[];
}

const examples = readdirSync("rollouts", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
const manifestsOf = (file: string): readonly Manifest[] => parseAllDocuments(readFileSync(`rollouts/${file}`, "utf8")).map((each) => each.toJS() as Manifest);
const only = <T>(manifests: readonly Manifest[], kind: string): { readonly name: string; readonly spec: T } => {
  const found = manifests.filter((each) => each.kind === kind);
  expect(found).toHaveLength(1);
  return { name: found[0]!.metadata.name, spec: found[0]!.spec as T };
};

describe.each(examples)("the example %s", (file) => {
  const manifests = manifestsOf(file);

  test("is found good by weir lint", () => {
    expect(lintText(readFileSync(`rollouts/${file}`, "utf8"), file)).toEqual([]);
  });

  test("names a route that stands beside it, with pods behind each version", () => {
    const rollout = RolloutSpec.parse(only<unknown>(manifests, "Rollout").spec);
    if (rollout.deployment) return standsBesideItsDeployment(manifests, rollout);
    const { labels, versions } = rollout.traffic.istio ? byVirtualService(manifests, rollout) : byHttpRoute(manifests, rollout);
    expect(versions).toContain(rollout.release);
    const podLabels = manifests.filter(({ kind }) => kind === "Deployment").map(({ spec }) => (spec as { template: { metadata: { labels: object } } }).template.metadata.labels);
    for (const each of labels) expect(podLabels).toContainEqual(expect.objectContaining(each));
  });

  test("has comments for newcomers, and the command that applies it", () => {
    expect(readFileSync(`rollouts/${file}`, "utf8")).toContain(`-f rollouts/${file}\n`);
  });
});

/** The route leads to the Service that selects its pods. */
function standsBesideItsDeployment(manifests: readonly Manifest[], { deployment, traffic }: RolloutSpec): void {
  const { name, spec } = only<{ readonly template: { readonly metadata: { readonly labels: object } } }>(manifests, "Deployment");
  const service = only<{ readonly selector: object }>(manifests, "Service");
  expect(deployment?.name).toBe(name);
  if (traffic.istio) {
    const route = only<VirtualService>(manifests, "VirtualService");
    expect(traffic.istio.virtualServices[0]?.name).toBe(route.name);
    expect(route.spec.http!.flatMap(({ route: all }) => all.map(({ destination }) => destination))).toEqual([{ host: service.name }]);
  } else {
    const route = only<HttpRoute>(manifests, "HTTPRoute");
    expect(traffic.gatewayApi?.httpRoutes?.[0]?.name).toBe(route.name);
    expect(route.spec.rules.flatMap(({ backendRefs }) => backendRefs.map((reference) => reference.name))).toEqual([service.name]);
  }
  expect(spec.template.metadata.labels).toMatchObject(service.spec.selector);
}

interface Versions {
  readonly versions: readonly string[];
  /** Of the pods of those that are used. */
  readonly labels: readonly Readonly<Record<string, string>>[];
}

function byVirtualService(manifests: readonly Manifest[], { release, traffic }: RolloutSpec): Versions {
  const routes = manifests.filter(({ kind }) => kind === "VirtualService");
  const rules = manifests.filter(({ kind }) => kind === "DestinationRule").map(({ spec }) => spec as DestinationRule);
  const selectorOf = (host: string): object => (manifests.find(({ kind, metadata }) => kind === "Service" && metadata.name === host)!.spec as { readonly selector: object }).selector;
  const references = traffic.istio!.virtualServices;
  expect(references.map(({ name }) => name)).toEqual(routes.map(({ metadata }) => metadata.name));
  const specs = routes.map(({ spec }) => spec as VirtualService);
  for (const [index, { tcpRoutes, routes: named = [] }] of references.entries()) {
    const { http = [], tcp = [] } = specs[index]!;
    if (tcpRoutes) expect(tcp.flatMap(({ match }) => match)).toEqual(expect.arrayContaining([...tcpRoutes]));
    else expect(http.map(({ name }) => name)).toEqual(expect.arrayContaining([...named]));
  }
  const used = new Set([release, ...specs.flatMap(({ http = [], tcp = [] }) => [...http, ...tcp]).flatMap(({ route: all }) => all.map(({ destination }) => destination.subset))]);
  expect(rules.length).toBe(followersIn(traffic).length + 1);
  const labels = rules.flatMap(({ host, subsets }) => subsets.filter(({ name }) => used.has(name)).map((subset) => ({ ...selectorOf(host), ...subset.labels })));
  return { versions: rules[0]!.subsets.map(({ name }) => name), labels };
}

function byHttpRoute(manifests: readonly Manifest[], { release, traffic }: RolloutSpec): Versions {
  const route = only<HttpRoute>(manifests, "HTTPRoute");
  const [reference] = traffic.gatewayApi!.httpRoutes!;
  expect(reference?.name).toBe(route.name);
  expect(route.spec.rules.map(({ name }) => name)).toContain(reference?.rule);
  const services = manifests.filter(({ kind }) => kind === "Service").map(({ metadata, spec }) => ({ name: metadata.name, selector: (spec as { selector: Record<string, string> }).selector }));
  const used = new Set([release, ...route.spec.rules.flatMap(({ backendRefs }) => backendRefs.map(({ name }) => name))]);
  return { versions: services.map(({ name }) => name), labels: services.filter(({ name }) => used.has(name)).map(({ selector }) => selector) };
}

test("the tutorials are there", () => {
  expect([...examples].sort()).toEqual(["deployment/reviews-httproute.yaml", "deployment/reviews.yaml", "fitcycle.yaml", "reviews-and-ratings.yaml", "reviews-blue-green.yaml", "reviews-httproute.yaml", "reviews-sessions.yaml", "reviews-shadow.yaml", "reviews-testers.yaml", "reviews-two-entrances.yaml", "reviews-two-routes.yaml", "reviews-v1-v3.yaml", "reviews-v2-v3.yaml", "tcp-echo.yaml", "website.yaml"]);
});
