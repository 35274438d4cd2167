/** Garbage collection is the same on both: the embedded API does it itself, the real one has its controller for it, on a control plane that no other test shares. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { startControlPlane } from "../../support/control-plane.ts";
import { kubernetesApis, openReal, type TestApi } from "../../support/kubernetes-apis.ts";
import { garbage } from "./garbage.ts";
import { prepareSubjects, type Subject } from "./subject.ts";

async function openCollected(): Promise<TestApi> {
  const { address, close } = await startControlPlane({ controllers: ["garbage-collector-controller"] });
  return { ...openReal(address), close };
}

const APIS = kubernetesApis().map(({ name, open }) => ({ name, open: name === "real" ? openCollected : open }));

describe.each(APIS)("the $name API", ({ open }) => {
  let api: TestApi;
  let nextSubject: () => Promise<Subject>;
  beforeAll(async () => {
    api = await open();
    nextSubject = await prepareSubjects(api);
  }, 120_000);
  afterAll(async () => api?.close());

  it.each(garbage)("$name", { timeout: 120_000 }, async ({ check }) => check(await nextSubject()));
});
