/** The embedded API server behaves as the real one does, where clients look: one table for both. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { kubernetesApis, type TestApi } from "../../support/kubernetes-apis.ts";
import { BEHAVIOURS } from "./behaviours.ts";
import { prepareSubjects, type Subject } from "./subject.ts";

describe.each(kubernetesApis())("the $name API", ({ open }) => {
  let api: TestApi;
  let nextSubject: () => Promise<Subject>;
  beforeAll(async () => {
    api = await open();
    nextSubject = await prepareSubjects(api);
  });
  afterAll(async () => api.close());

  it.each(BEHAVIOURS)("$name", async ({ check }) => check(await nextSubject()));
});
