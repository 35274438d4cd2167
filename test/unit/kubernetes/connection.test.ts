/** From kubeconfig files and the pod's account to a connection. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadConnection } from "../../../src/kubernetes/connection.ts";
import { createTemporaryFolder, type TemporaryFolder } from "../../../src/playground/processes/last-will.ts";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = createTemporaryFolder("weir-connection");
});
afterEach(() => folder.remove());

function write(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
}

/** One cluster, user and context, all called `name`. */
function kubeconfig(name: string, user: object, cluster: object = {}, context: object = {}): string {
  return JSON.stringify({
    clusters: [{ name, cluster: { server: `https://${name}.example:6443`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
    "current-context": name,
  });
}

describe("a kubeconfig", () => {
  test("names server, namespace, context and credentials", async () => {
    const path = write("config", kubeconfig("one", { token: "t" }, { server: "https://one.example/prefix/", "insecure-skip-tls-verify": true }, { namespace: "shop" }));
    const connection = loadConnection({ kubeconfig: path });
    expect(connection).toMatchObject({ server: "https://one.example/prefix", namespace: "shop", context: "one" });
    expect(await connection.credentials()).toMatchObject({ headers: { Authorization: "Bearer t" }, tls: { rejectUnauthorized: false } });
  });

  test("may leave the namespace to the default", () => {
    expect(loadConnection({ kubeconfig: write("config", kubeconfig("one", {})) }).namespace).toBe("default");
  });

  test("may carry certificates beside itself, which are read again", async () => {
    const { privateKey } = generateKeyPairSync("ed25519", { privateKeyEncoding: { type: "pkcs8", format: "pem" }, publicKeyEncoding: { type: "spki", format: "pem" } });
    write("key.pem", privateKey);
    write("ca.pem", "first");
    const path = write("config", kubeconfig("one", { "client-key": "key.pem" }, { "certificate-authority": "ca.pem", "tls-server-name": "inner" }));
    const connection = loadConnection({ kubeconfig: path });
    const { tls } = await connection.credentials();
    expect([String(tls.ca), String(tls.key), tls.servername]).toEqual(["first", privateKey, "inner"]);
    write("ca.pem", "second");
    expect(String((await connection.credentials()).tls.ca)).toBe("second");
  });

  test("may name a token file, relative to itself", async () => {
    write("token", "from-file");
    const path = write("config", kubeconfig("one", { tokenFile: "token" }));
    expect((await loadConnection({ kubeconfig: path }).credentials()).headers).toEqual({ Authorization: "Bearer from-file" });
  });

  test("may name a program that gives the token", async () => {
    const answer = JSON.stringify({ apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token: "from-program" } });
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: [answer], interactiveMode: "Never" };
    const path = write("config", kubeconfig("one", { exec }));
    expect((await loadConnection({ kubeconfig: path }).credentials()).headers).toEqual({ Authorization: "Bearer from-program" });
  });

  test("may name user and password", async () => {
    const path = write("config", kubeconfig("one", { username: "alice", password: "p" }));
    expect((await loadConnection({ kubeconfig: path }).credentials()).basic).toBe("alice:p");
  });

  test("may name a proxy, whose agent is used then", async () => {
    const path = write("config", kubeconfig("one", { token: "t" }, { "proxy-url": "http://proxy.example:3128" }));
    expect((await loadConnection({ kubeconfig: path }).credentials()).proxy).toBeDefined();
    expect((await loadConnection({ kubeconfig: write("plain", kubeconfig("one", { token: "t" })) }).credentials()).proxy).toBeUndefined();
  });

  test("may name a plain http server", async () => {
    const path = write("config", kubeconfig("one", { token: "t" }, { server: "http://127.0.0.1:8001" }));
    expect((await loadConnection({ kubeconfig: path }).credentials()).headers).toEqual({ Authorization: "Bearer t" });
  });

  test("is merged with others: the first to name a thing wins, and absent files are passed over", async () => {
    const first = write("first", kubeconfig("one", { token: "1" }));
    const second = write("second", kubeconfig("one", { token: "2" }).replace('"contexts":[', '"contexts":[{"name":"extra","context":{"cluster":"one","user":"one","namespace":"x"}},'));
    const list = [join(folder.path, "absent"), first, second].join(":");
    expect(loadConnection({ kubeconfig: list }).context).toBe("one");
    const extra = loadConnection({ kubeconfig: list, context: "extra" });
    expect(extra).toMatchObject({ context: "extra", namespace: "x" });
    expect((await extra.credentials()).headers).toEqual({ Authorization: "Bearer 1" });
  });

  test("without the context that was asked for says which ones it has", () => {
    const path = write("config", kubeconfig("one", {}));
    expect(() => loadConnection({ kubeconfig: path, context: "two" })).toThrow('no usable context "two"; it knows one');
  });

  test("that is not there is an error with its path", () => {
    expect(() => loadConnection({ kubeconfig: "/nowhere/config" })).toThrow("No kubeconfig could be read at /nowhere/config");
  });
});

describe("without a path", () => {
  const inCluster = { host: "10.0.0.1", port: "443" };

  test("the home's kubeconfig is used, before the pod's account", () => {
    mkdirSync(join(folder.path, ".kube"));
    write(".kube/config", kubeconfig("home", {}));
    expect(loadConnection({ home: folder.path, inCluster }).context).toBe("home");
  });

  test("the pod's account is used where there is no kubeconfig", async () => {
    write("token", "pod-token");
    write("ca.crt", "pod-ca");
    write("namespace", "weir-system\n");
    const connection = loadConnection({ home: folder.path, inCluster: { ...inCluster, accountDirectory: folder.path } });
    expect(connection).toMatchObject({ server: "https://10.0.0.1:443", namespace: "weir-system", context: "in-cluster" });
    const { headers, tls } = await connection.credentials();
    expect([headers, String(tls.ca)]).toEqual([{ Authorization: "Bearer pod-token" }, "pod-ca"]);
  });

  test("an IPv6 address of the cluster is put in brackets", () => {
    expect(loadConnection({ inCluster: { host: "fd00::1", port: "443", accountDirectory: folder.path } }).server).toBe("https://[fd00::1]:443");
  });

  test("and outside of a cluster there is nothing to talk to", () => {
    expect(() => loadConnection({ home: folder.path })).toThrow("No cluster to talk to");
  });
});
