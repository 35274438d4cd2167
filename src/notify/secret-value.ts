/** Reads a value from a Secret for a delivery, with an error that names the Secret and never its content. */
import type { SecretKeyRef } from "../rollout/spec.ts";
import { DeliveryError } from "./notifier.ts";

export async function secretValue(readSecret: (namespace: string, ref: SecretKeyRef) => Promise<string>, namespace: string, ref: SecretKeyRef): Promise<string> {
  const value = await readSecret(namespace, ref).catch((cause: unknown) => {
    throw new DeliveryError(`key ${ref.key} of Secret ${namespace}/${ref.name} cannot be read; it must exist and carry the label weir.dev/use: "true"`, undefined, { cause });
  });
  const trimmed = value.trim();
  if (trimmed === "") throw new DeliveryError(`key ${ref.key} of Secret ${namespace}/${ref.name} is empty`, null);
  return trimmed;
}
