/** From a Rollout's `analysis.prometheus.auth` to what is sent, with the values of its Secrets. */
import type { PrometheusAuth, PrometheusSource, SecretKeyRef } from "../../rollout/spec.ts";
import { PrometheusError } from "./prometheus-error.ts";

export interface Credentials {
  /** The value of the Authorization header. */
  readonly authorization?: string;
  /** The value of X-Scope-OrgID. */
  readonly tenant?: string;
  /** PEM; with it no other CA is trusted. */
  readonly ca?: string;
}

/** Throws an Error whose message is one sentence without the value. */
export type ReadSecret = (namespace: string, ref: SecretKeyRef) => Promise<string>;

export async function credentialsFrom(auth: PrometheusAuth | undefined, read: (ref: SecretKeyRef) => Promise<string>): Promise<Credentials> {
  if (!auth) return {};
  const authorization = await authorizationFrom(auth, read);
  return {
    ...(authorization ? { authorization } : {}),
    ...(auth.tenant ? { tenant: auth.tenant } : {}),
    ...(auth.ca ? { ca: await read(auth.ca.secretRef) } : {}),
  };
}

async function authorizationFrom({ basic, bearer }: PrometheusAuth, read: (ref: SecretKeyRef) => Promise<string>): Promise<string | undefined> {
  if (bearer) return `Bearer ${tokenIn(await read(bearer.secretRef))}`;
  if (!basic) return undefined;
  const password = (await read(basic.password.secretRef)).replace(/\r?\n$/, "");
  return `Basic ${Buffer.from(`${basic.username}:${password}`).toString("base64")}`;
}

/** Line breaks around a token come from files. */
function tokenIn(value: string): string {
  const token = value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw wrong("the Secret that analysis.prometheus.auth.bearer names is expected to hold a token, and is empty or holds characters that no token has");
  return token;
}

/** Throws a PrometheusError unless the URL may be asked; its sentences do not repeat it. */
export function checkedUrl({ url }: PrometheusSource, isAllowedHost: (url: URL) => boolean): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) throw wrong("analysis.prometheus.url is expected to begin with http:// or https://, and does not");
  if (parsed.username || parsed.password) throw wrong("analysis.prometheus.url holds a user or a password: put them into a Secret and name that in analysis.prometheus.auth");
  if (parsed.search || parsed.hash) throw wrong("analysis.prometheus.url holds a query or a fragment: give the address alone");
  if (!isAllowedHost(parsed)) throw wrong("the host of analysis.prometheus.url is not one that this daemon admits: add it to --allow-hosts");
  return url;
}

export function wrong(sentence: string): PrometheusError {
  return new PrometheusError("configuration", { sentence });
}
