/** The daemon's configuration: environment, flags, and sentences about what is wrong. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configFrom, hostGate } from "../../src/config.ts";
import { VERSION } from "../../src/version.ts";

describe("configuration", () => {
  test("has a default for everything", () => {
    expect(configFrom({}, [])).toMatchObject({ redisUrl: "redis://127.0.0.1:6379", prometheusUrl: "http://prometheus.istio-system:9090", listen: { host: "0.0.0.0", port: 8080 }, concurrency: 64, cluster: {}, runTtlMs: 90 * 24 * 3_600_000, runLimit: 100 });
  });

  test("takes a flag before the environment, and an empty variable for none", () => {
    const config = configFrom({ WEIR_ALLOW_HOSTS: "a.example", WEIR_NAMESPACE: "", WEIR_LOG_LEVEL: "debug" }, ["daemon", "--allow-hosts", "b.example, c.example", "--listen=127.0.0.1:0", "--run-ttl", "36h", "--run-limit=7"]);
    expect(config).toMatchObject({ allowHosts: ["b.example", "c.example"], logLevel: "debug", listen: { host: "127.0.0.1", port: 0 }, runTtlMs: 36 * 3_600_000, runLimit: 7 });
    expect(config).not.toHaveProperty("namespace");
  });

  test.each([
    [{ WEIR_LISTEN: "8080" }, /WEIR_LISTEN.*"8080"/],
    [{ WEIR_PROMETHEUS_URL: "prometheus" }, /WEIR_PROMETHEUS_URL.*"prometheus"/],
    [{ WEIR_RUN_TTL: "3 months" }, /WEIR_RUN_TTL: expected an age such as 90d or 36h, got "3 months"/],
    [{ WEIR_CONCURRENCY: "0" }, /WEIR_CONCURRENCY.*"0"/],
  ])("names the variable and what came: %j", (environment, sentence) => {
    expect(() => configFrom(environment, [])).toThrow(sentence);
  });

  test("takes no secret from the command line", () => {
    expect(() => configFrom({}, ["--slack-token", "xoxb-1"])).toThrow(/slack-token/);
  });

  test.each([
    ["hooks.slack.com", true],
    ["a.example.com", true],
    ["example.com", false],
    ["evil-example.com", false],
    ["hooks.slack.com.evil.test", false],
  ])("admits %s: %s", (host, admitted) => {
    expect(hostGate(["hooks.slack.com", "*.example.com"])(new URL(`https://${host}/x`))).toBe(admitted);
  });

  test("has the version of package.json", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(VERSION).toBe(version);
  });
});
