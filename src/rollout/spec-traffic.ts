/** `traffic` as users write it: whose weights move. */
import { z } from "zod";
import { Count, LAST_WORD, NamespaceName, ObjectName, text } from "./spec-fields.ts";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";
import { followsALeader, followsByOneRoute } from "./spec-rules-of-followers.ts";

const Port = Count(1, 65_535).optional().describe("The port that one of its matches asks for.");

const TlsRouteRef = z.object({
  port: Port,
  sniHosts: withRules(z.array(withRules(text(253), rules.isNotBlank)).max(16, LAST_WORD), rules.distinct("host", "self", (hosts) => hosts))
    .optional()
    .describe("Hosts that one of its matches has among its sniHosts."),
});
export type TlsRouteRef = z.output<typeof TlsRouteRef>;

const TcpRouteRef = z.object({ port: Port });

const VirtualServiceRef = z.object({
  name: ObjectName.describe("Name of the VirtualService."),
  follow: ObjectName.optional().describe(
    "Name of another VirtualService of this list, whose new version is to call the new version of this one: two services that are released together. No weight of its own moves before the last step; a route of ours, by the callers' labels, leads there meanwhile.",
  ),
  namespace: NamespaceName.optional().describe(
    "Its namespace. Default: the Rollout's; in another one the VirtualService needs the annotation weir.dev/allow-from with the Rollout's namespace.",
  ),
  routes: withRules(
    z.array(withRules(text(253), rules.isNotBlank)).max(16, LAST_WORD),
    rules.distinct("route", "self", (routes) => routes),
  )
    .optional()
    .describe("Names of the http routes whose weights move, together where there are several: by one write, and with the same shares. No need where the VirtualService has one route."),
  tlsRoutes: z
    .array(TlsRouteRef)
    .max(16, LAST_WORD)
    .optional()
    .describe("The tls routes whose weights move, each by what it matches; [{}] where there is one. Weights decide about new connections; what is open stays where it is. They move together with the http routes that routes names, and with tcpRoutes."),
  tcpRoutes: z
    .array(TcpRouteRef)
    .max(16, LAST_WORD)
    .optional()
    .describe("The tcp routes whose weights move, each by the port that it matches; [{}] where there is one. As with tlsRoutes weights decide about new connections."),
});
export type VirtualServiceRef = z.output<typeof VirtualServiceRef>;

const GatewayRouteRef = (kind: string) =>
  withRules(
    z.object({
      name: ObjectName.describe(`Name of the ${kind}.`),
      namespace: NamespaceName.optional().describe(
        `Its namespace. Default: the Rollout's; in another one the ${kind} needs the annotation weir.dev/allow-from with the Rollout's namespace.`,
      ),
      rule: withRules(text(253), rules.isNotBlank).optional().describe(`Name of the rule whose weights move. No need where the ${kind} has one rule.`),
      ruleIndex: Count(0, 15).optional().describe("Its place among the rules, from 0 to 15, where it has no name."),
    }),
    rules.notBoth("rule", "ruleIndex", "keep the name, which still holds when rules are added"),
  );

const GatewayRoutes = (kind: string, example: string) =>
  withRules(z.array(GatewayRouteRef(kind)).max(16, LAST_WORD), rules.holdsFrom(1, 16, `expected from 1 to 16 ${kind}s, got {came}; write [{name: ${example}}] with the name of yours`), rules.eachOnce(kind))
    .optional()
    .describe(`The ${kind} that splits the traffic, or several that move together, with the same shares. They are yours: their weights are edited, and a step with match has a route of ours beside the only one while it lasts.`);

export const Traffic = withRules(
  z.object({
    istio: z
      .object({
        virtualServices: withRules(
          z.array(VirtualServiceRef).max(16, LAST_WORD),
          rules.holdsFrom(1, 16, "expected from 1 to 16 VirtualServices, got {came}; write [{name: reviews}] with the name of yours"),
          rules.eachOnce("VirtualService"),
          followsALeader,
          followsByOneRoute,
        ).describe("The VirtualService that splits the traffic, or several that move together, with the same shares. They are yours: their weights are edited, and a step with match has a route of ours beside the only one while it lasts."),
        destinationRule: z
          .object({
            name: ObjectName.describe("Name of the DestinationRule."),
            namespace: NamespaceName.optional().describe("Its namespace. Default: the VirtualService's."),
          })
          .optional()
          .describe("The DestinationRule that defines the subsets. Default: found by the route's host."),
      })
      .optional()
      .describe("Traffic split by an Istio VirtualService."),
    gatewayApi: withRules(
      z.object({ httpRoutes: GatewayRoutes("HTTPRoute", "reviews"), grpcRoutes: GatewayRoutes("GRPCRoute", "reviews") }),
      rules.exactlyOne(["httpRoutes", "grpcRoutes"], "name the HTTPRoute or the GRPCRoute whose weights shall move"),
    )
      .optional()
      .describe("Traffic split by a route of the Gateway API, between Services."),
  }),
  rules.exactlyOne(["istio", "gatewayApi"], "name the VirtualService under istio, or the HTTPRoute or GRPCRoute under gatewayApi"),
);
export type Traffic = z.output<typeof Traffic>;
