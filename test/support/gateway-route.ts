/** An application that is routed by the Gateway API instead of Istio's own. */
import type { TestApi } from "./kubernetes-apis.ts";
import { createVersionServices } from "./version-forms.ts";

type Api = Pick<TestApi, "request">;

export function httpRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
}

export function grpcRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/grpcroutes`;
}

const TESTERS = { name: "testers", matches: [{ headers: [{ name: "x-tester", value: "true" }] }] };

/** In place of the application's VirtualService: a Service for each version, and a route in front of the Service that people call. */
export async function routeByGateway(api: Api, namespace: string, name: string): Promise<void> {
  await serveByVersion(api, namespace, name);
  await api.request("POST", httpRoutesIn(namespace), aGatewayRoute("HTTPRoute", { name, app: name }, TESTERS));
}

/** One more Service that people call, and a route of its own in front of it to the same versions. */
export async function alsoRouteByGateway(api: Api, namespace: string, app: string, name: string): Promise<void> {
  await api.request("POST", `/api/v1/namespaces/${namespace}/services`, { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app }, ports: [{ name: "http", port: 9080 }] } });
  await api.request("POST", httpRoutesIn(namespace), aGatewayRoute("HTTPRoute", { name, app }, TESTERS));
}

/** The same for calls by gRPC; those of `ownMethod` go to v2 by a rule of their own. */
export async function routeCallsByGateway(api: Api, namespace: string, name: string, ownMethod: { readonly service: string; readonly method: string }): Promise<void> {
  await serveByVersion(api, namespace, name);
  await api.request("POST", grpcRoutesIn(namespace), aGatewayRoute("GRPCRoute", { name, app: name }, { name: "own", matches: [{ method: ownMethod }] }));
}

/** The spec of such a route as a delivery leaves it: the new version where the old one was. */
export function withNewVersion(spec: object): unknown {
  return JSON.parse(JSON.stringify(spec).replaceAll("-v1", "-v2"));
}

async function serveByVersion(api: Api, namespace: string, name: string): Promise<void> {
  await api.request("DELETE", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${name}`);
  await createVersionServices(api, namespace, name);
}

function aGatewayRoute(kind: string, { name, app }: { readonly name: string; readonly app: string }, foreign: object) {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name, port: 9080 }],
      rules: [
        { ...foreign, backendRefs: [{ name: `${app}-v2`, port: 9080 }] },
        { name: "primary", backendRefs: [{ name: `${app}-v1`, port: 9080 }] },
      ],
    },
  };
}
