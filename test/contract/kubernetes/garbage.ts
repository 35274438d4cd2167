/** Rows about owners: what becomes of dependents, a moment after the request that decides it. */
import { expect } from "vitest";
import { until } from "../../support/until.ts";
import type { Behaviour } from "./behaviour.ts";
import { MERGE_PATCH, type Body, type Subject } from "./subject.ts";

const LIMIT_MS = 40_000; // the real collector looks around every few seconds at first

const maps = ({ namespace }: Subject): string => `/api/v1/namespaces/${namespace}/configmaps`;

async function map(subject: Subject, name: string, metadata: object = {}): Promise<Body> {
  const { status, body } = await subject.ask("POST", maps(subject), { metadata: { name, ...metadata } });
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

function owner({ metadata }: Body, rest: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", name: metadata?.name, uid: metadata?.uid, ...rest };
}

async function isGone(subject: Subject, name: string): Promise<boolean> {
  return (await subject.ask("GET", `${maps(subject)}/${name}`)).status === 404;
}

async function found(subject: Subject, name: string): Promise<Body> {
  return (await subject.ask("GET", `${maps(subject)}/${name}`)).body;
}

export const garbage: readonly Behaviour[] = [
  {
    name: "What is owned goes with its owner, and so does what that owned",
    async check(subject) {
      const top = await map(subject, "top");
      const middle = await map(subject, "middle", { ownerReferences: [owner(top, { controller: true, blockOwnerDeletion: true })] });
      await map(subject, "bottom", { ownerReferences: [owner(middle)] });
      await map(subject, "beside");
      expect((await subject.ask("DELETE", `${maps(subject)}/top`)).body.status).toBe("Success");
      await until(async () => (await isGone(subject, "middle")) && (await isGone(subject, "bottom")), LIMIT_MS);
      expect(await isGone(subject, "beside")).toBe(false);
    },
  },
  {
    name: "What has two owners stays with the one that is left, and goes with the last",
    async check(subject) {
      const [one, other] = [await map(subject, "one"), await map(subject, "other")];
      await map(subject, "shared", { ownerReferences: [owner(one), owner(other)] });
      await subject.ask("DELETE", `${maps(subject)}/one`);
      await until(async () => (await found(subject, "shared")).metadata?.ownerReferences?.length as unknown === 1, LIMIT_MS);
      expect((await found(subject, "shared")).metadata?.ownerReferences).toEqual([owner(other)]);
      await subject.ask("DELETE", `${maps(subject)}/other`);
      await until(() => isGone(subject, "shared"), LIMIT_MS);
    },
  },
  {
    name: "What names an owner that is not there goes, and so does what names one in another namespace",
    async check(subject) {
      const elsewhere = await subject.ask("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: subject.namespace } });
      await map(subject, "lost", { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "nobody", uid: "00000000-0000-0000-0000-000000000000" }] });
      await map(subject, "astray", { ownerReferences: [owner(elsewhere.body)] });
      await until(async () => (await isGone(subject, "lost")) && (await isGone(subject, "astray")), LIMIT_MS);
    },
  },
  {
    name: "An owner may go and leave its dependents without one",
    async check(subject) {
      const top = await map(subject, "top");
      await map(subject, "kept", { ownerReferences: [owner(top)] });
      const { body } = await subject.ask("DELETE", `${maps(subject)}/top`, { propagationPolicy: "Orphan" });
      expect([body.kind, body.metadata?.finalizers, typeof body.metadata?.deletionTimestamp]).toEqual(["ConfigMap", ["orphan"], "string"]);
      await until(() => isGone(subject, "top"), LIMIT_MS);
      expect((await found(subject, "kept")).metadata?.ownerReferences).toBeUndefined();
    },
  },
  {
    name: "An owner may wait until those that block it are gone, each by its own finalizers",
    async check(subject) {
      const top = await map(subject, "top");
      await map(subject, "blocking", { ownerReferences: [owner(top, { blockOwnerDeletion: true })], finalizers: ["weir.dev/hold"] });
      await map(subject, "other", { ownerReferences: [owner(top)] });
      const { body } = await subject.ask("DELETE", `${maps(subject)}/top?propagationPolicy=Foreground`);
      expect([body.metadata?.finalizers, typeof body.metadata?.deletionTimestamp]).toEqual([["foregroundDeletion"], "string"]);
      await until(async () => (await isGone(subject, "other")) && (await found(subject, "blocking")).metadata?.deletionTimestamp, LIMIT_MS);
      expect((await found(subject, "top")).metadata?.finalizers).toEqual(["foregroundDeletion"]);
      await subject.ask("PATCH", `${maps(subject)}/blocking`, { metadata: { finalizers: null } }, MERGE_PATCH);
      await until(async () => (await isGone(subject, "blocking")) && (await isGone(subject, "top")), LIMIT_MS);
    },
  },
  {
    name: "A Rollout's dependents stay until its own finalizer is gone",
    async check(subject) {
      const path = `/apis/weir.dev/v1alpha1/namespaces/${subject.namespace}/rollouts`;
      const spec = { release: "v3", traffic: { istio: { virtualServices: [{ name: "reviews" }] } } };
      const { body } = await subject.ask("POST", path, { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "reviews", finalizers: ["weir.dev/traffic"] }, spec });
      await map(subject, "owned", { ownerReferences: [{ apiVersion: "weir.dev/v1alpha1", kind: "Rollout", name: "reviews", uid: body.metadata?.uid }] });
      await subject.ask("DELETE", `${path}/reviews`);
      expect(await isGone(subject, "owned")).toBe(false);
      await subject.ask("PATCH", `${path}/reviews`, { metadata: { finalizers: null } }, MERGE_PATCH);
      await until(() => isGone(subject, "owned"), LIMIT_MS);
    },
  },
];
