/** Reads single values from Secrets that somebody has set free for Weir (law 14). */
import type { SecretKeyRef } from "../rollout/spec.ts";
import { z } from "zod";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "./client.ts";
import { ApiError } from "./errors.ts";
import { systemTime, type Time } from "./time.ts";

/** Throws an Error with one sentence, without the value, where it may not or cannot be read. */
export type SecretReader = (namespace: string, ref: SecretKeyRef) => Promise<string>;

const KEPT_MS = 30_000;
const MOST_KEPT = 1_000;
const USE_LABEL = "weir.dev/use";

interface Kept {
  readonly secret: Promise<KubernetesObject>;
  readonly untilMs: number;
}

/** Each Secret is read at most every 30 s. */
export function createSecretReader(client: Pick<KubernetesClient, "get">, time: Time = systemTime): SecretReader {
  const kept = new Map<string, Kept>();

  function secretOf(namespace: string, name: string): Promise<KubernetesObject> {
    const key = `${namespace}/${name}`;
    const known = kept.get(key);
    if (known && time.nowMs() < known.untilMs) return known.secret;
    if (kept.size >= MOST_KEPT) kept.clear();
    const secret = client.get(RESOURCES.secrets, namespace, name);
    kept.set(key, { secret, untilMs: time.nowMs() + KEPT_MS });
    secret.catch(() => kept.delete(key));
    return secret;
  }

  return async (namespace, ref) => {
    try {
      return valueIn(await secretOf(namespace, ref.name), namespace, ref);
    } catch (error) {
      throw inASentence(namespace, ref, error);
    }
  };
}

const SecretFields = z.object({ data: z.record(z.string(), z.string()).nullish() });

function valueIn(secret: KubernetesObject, namespace: string, { name, key }: SecretKeyRef): string {
  if (secret.metadata.labels?.[USE_LABEL] !== "true") {
    throw new Error(`Secret ${namespace}/${name} is not for Weir: label it with kubectl label secret ${name} -n ${namespace} ${USE_LABEL}=true`);
  }
  const encoded = SecretFields.safeParse(secret).data?.data?.[key];
  if (encoded === undefined) throw new Error(`Secret ${namespace}/${name} has no key ${key}: add it, or correct the reference`);
  return Buffer.from(encoded, "base64").toString("utf8");
}

function inASentence(namespace: string, { name }: SecretKeyRef, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.status === 404) return new Error(`There is no Secret ${namespace}/${name}: create it, or correct the reference`, { cause: error });
  if (error.status !== 403) return error;
  return new Error(`Weir may not read Secret ${namespace}/${name}: bind the role that lets it read Secrets in namespace ${namespace}`, { cause: error });
}
