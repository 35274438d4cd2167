/** An application that is routed by the Gateway API instead of Istio's own. */
import type { TestApi } from "./kubernetes-apis.ts";

export function httpRoutesIn(namespace: string): string {
  return `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
}

/** In place of the application's VirtualService: a Service for each version, and a route in front of the Service that people call. */
export async function routeByGateway({ request }: Pick<TestApi, "request">, namespace: string, name: string): Promise<void> {
  await request("DELETE", `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/${name}`);
  for (const version of ["v1", "v2"]) {
    await request("POST", `/api/v1/namespaces/${namespace}/services`, {
      apiVersion: "v1", kind: "Service", metadata: { name: `${name}-${version}` }, spec: { selector: { app: name, version }, ports: [{ name: "http", port: 9080 }] },
    });
  }
  await request("POST", httpRoutesIn(namespace), {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: {
      parentRefs: [{ group: "", kind: "Service", name, port: 9080 }],
      rules: [
        { name: "testers", matches: [{ headers: [{ name: "x-tester", value: "true" }] }], backendRefs: [{ name: `${name}-v2`, port: 9080 }] },
        { name: "primary", backendRefs: [{ name: `${name}-v1`, port: 9080 }] },
      ],
    },
  });
}
