/** An application that is routed by the Gateway API instead of Istio's own. */
import type { TestApi } from "./kubernetes-apis.ts";
import { createVersionServices } from "./version-forms.ts";

export function httpRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
}

/** In place of the application's VirtualService: a Service for each version, and a route in front of the Service that people call. */
export async function routeByGateway(api: Pick<TestApi, "request">, namespace: string, name: string): Promise<void> {
  await api.request("DELETE", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${name}`);
  await createVersionServices(api, namespace, name);
  await createHttpRoute(api, namespace, name, name);
}

/** One more Service that people call, and a route of its own in front of it to the same versions. */
export async function alsoRouteByGateway(api: Pick<TestApi, "request">, namespace: string, app: string, name: string): Promise<void> {
  await api.request("POST", `/api/v1/namespaces/${namespace}/services`, { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app }, ports: [{ name: "http", port: 9080 }] } });
  await createHttpRoute(api, namespace, app, name);
}

/** The spec of such a route as a delivery leaves it: the new version where the old one was. */
export function withNewVersion(spec: object): unknown {
  return JSON.parse(JSON.stringify(spec).replaceAll("-v1", "-v2"));
}

async function createHttpRoute({ request }: Pick<TestApi, "request">, namespace: string, app: string, name: string): Promise<void> {
  await request("POST", httpRoutesIn(namespace), {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name, port: 9080 }],
      rules: [
        { name: "testers", matches: [{ headers: [{ name: "x-tester", value: "true" }] }], backendRefs: [{ name: `${app}-v2`, port: 9080 }] },
        { name: "primary", backendRefs: [{ name: `${app}-v1`, port: 9080 }] },
      ],
    },
  });
}
