/** The header by which a receiver knows that an event is ours, and not an old one. */
import { createHmac } from "node:crypto";

/** `t=<Unix seconds>,v1=<hex>`: HMAC-SHA256 over `<t>.<body>`. */
export function signatureOf(body: string, key: string, unixSeconds: number): string {
  return `t=${unixSeconds},v1=${createHmac("sha256", key).update(`${unixSeconds}.${body}`).digest("hex")}`;
}
