/** Secrets: only those set free for Weir, one sentence where not, and never a value in it. */
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import { ApiError, Unreachable } from "../../../src/kubernetes/errors.ts";
import { createSecretReader } from "../../../src/kubernetes/secrets.ts";
import { createFakeTime } from "../../support/fake-time.ts";

const ref = { name: "prom", key: "token" };
const value = "s3cr€t";
const secret = (changes: Partial<KubernetesObject> = {}): KubernetesObject => ({
  metadata: { name: "prom", labels: { "weir.dev/use": "true" } },
  data: { token: Buffer.from(value).toString("base64") },
  ...changes,
});

function reader(answer: (reads: number) => KubernetesObject) {
  const time = createFakeTime();
  const asked: string[] = [];
  const read = createSecretReader({ get: async (resource, namespace, name) => (asked.push(`${resource.plural} ${namespace}/${name}`), answer(asked.length)) }, time);
  return { read, asked, time };
}

const sentenceOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "nothing", (error: Error) => error.message);

describe("a Secret", () => {
  test("gives the value of one key, from its own namespace", async () => {
    const { read, asked } = reader(() => secret());
    expect(await read("shop", ref)).toBe(value);
    expect(asked).toEqual(["secrets shop/prom"]);
  });

  test("is read once in 30 s, by however many", async () => {
    const { read, asked, time } = reader(() => secret());
    await Promise.all([read("shop", ref), read("shop", ref), read("other", ref)]);
    await time.advance(29_999);
    await read("shop", ref);
    expect(asked).toEqual(["secrets shop/prom", "secrets other/prom"]);
    await time.advance(1);
    await read("shop", ref);
    expect(asked).toHaveLength(3);
  });

  test.each<[string, KubernetesObject, string]>([
    ["has no label", secret({ metadata: { name: "prom" } }), "Secret shop/prom is not for Weir: label it with kubectl label secret prom -n shop weir.dev/use=true"],
    ["is labelled with something else", secret({ metadata: { name: "prom", labels: { "weir.dev/use": "yes" } } }), "Secret shop/prom is not for Weir"],
    ["lacks the key", secret({ data: { password: "eA==" } }), "Secret shop/prom has no key token"],
    ["is empty", secret({ data: null }), "Secret shop/prom has no key token"],
  ])("that %s is refused in one sentence", async (_, object, expected) => {
    const sentence = await sentenceOf(reader(() => object).read("shop", ref));
    expect(sentence).toContain(expected);
    expect(sentence).not.toContain(value);
  });

  test.each([
    [404, "There is no Secret shop/prom"],
    [403, "Weir may not read Secret shop/prom"],
    [500, "server says"],
  ])("that is answered with %i is refused in one sentence, and asked for again", async (status, expected) => {
    const { read } = reader((reads) => {
      if (reads === 1) throw new ApiError("server says no", status, "x");
      return secret();
    });
    expect(await sentenceOf(read("shop", ref))).toContain(expected);
    expect(await read("shop", ref)).toBe(value);
  });

  test("that cannot be reached is the caller's trouble", async () => {
    const trouble = new Unreachable("gone");
    const { read } = reader(() => {
      throw trouble;
    });
    await expect(read("shop", ref)).rejects.toBe(trouble);
  });
});
