/** An application that is routed by the Gateway API instead of Istio's own. */
import type { TestApi } from "./kubernetes-apis.ts";

export function httpRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
}

export function grpcRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/grpcroutes`;
}

/** In place of the application's VirtualService: a Service for each version, and a route in front of the Service that people call. */
export async function routeByGateway(api: Pick<TestApi, "request">, namespace: string, name: string): Promise<void> {
  await serveByVersion(api, namespace, name);
  await api.request("POST", httpRoutesIn(namespace), aGatewayRoute("HTTPRoute", name, { name: "testers", matches: [{ headers: [{ name: "x-tester", value: "true" }] }] }));
}

/** The same for calls by gRPC; those of `ownMethod` go to v2 by a rule of their own. */
export async function routeCallsByGateway(api: Pick<TestApi, "request">, namespace: string, name: string, ownMethod: { readonly service: string; readonly method: string }): Promise<void> {
  await serveByVersion(api, namespace, name);
  await api.request("POST", grpcRoutesIn(namespace), aGatewayRoute("GRPCRoute", name, { name: "own", matches: [{ method: ownMethod }] }));
}

async function serveByVersion({ request }: Pick<TestApi, "request">, namespace: string, name: string): Promise<void> {
  await request("DELETE", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${name}`);
  for (const version of ["v1", "v2"]) {
    await request("POST", `/api/v1/namespaces/${namespace}/services`, {
      apiVersion: "v1", kind: "Service", metadata: { name: `${name}-${version}` }, spec: { selector: { app: name, version }, ports: [{ name: "http", port: 9080 }] },
    });
  }
}

function aGatewayRoute(kind: string, name: string, foreign: object) {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind,
    metadata: { name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name, port: 9080 }],
      rules: [
        { ...foreign, backendRefs: [{ name: `${name}-v2`, port: 9080 }] },
        { name: "primary", backendRefs: [{ name: `${name}-v1`, port: 9080 }] },
      ],
    },
  };
}
