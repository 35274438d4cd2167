/** `strategy.sessionAffinity` as users write it: users stay with the version that has answered them. */
import { z } from "zod";
import { lasting, text } from "./spec-fields.ts";
import { withRules } from "./spec-rule.ts";
import * as rules from "./spec-rules.ts";

export const SessionAffinity = withRules(
  z.object({
    cookieName: withRules(text(128), rules.isCookieName)
      .optional()
      .describe("Name of the cookie that says with which version a user stays. Default: weir-session.NAMESPACE.NAME of the Rollout."),
    maxAge: lasting("1s").default("24h").describe("How long a user's agent keeps the cookie; it should outlast the run, for whoever has lost it draws anew. Default 24h."),
    path: withRules(text(256), rules.isCookiePath).default("/").describe("For which paths the cookie is sent. Default /, which is all of them."),
    domain: withRules(text(253), rules.isCookieDomain).optional().describe("For which domain, and all below it, the cookie is sent. Default: the one host that was asked."),
    sameSite: z.enum(["Strict", "Lax", "None"]).optional().describe("Whether the cookie is sent with requests from other sites; None needs secure. Default: what the agent takes for granted, which is mostly Lax."),
    secure: z.boolean().default(false).describe("true: the cookie is sent over TLS alone. Default false."),
    httpOnly: z.boolean().default(true).describe("true (default): scripts of a page do not see the cookie."),
  }),
  rules.noneIsSecure,
);
export type SessionAffinity = z.output<typeof SessionAffinity>;
