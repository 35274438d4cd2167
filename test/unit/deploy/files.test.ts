/** What deploy/ and docker-compose.yml say fits the daemon that they start. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { configFrom } from "../../../src/config.ts";
import { grantedRights } from "../../support/granted.ts";

interface Container {
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: { readonly readOnlyRootFilesystem: boolean; readonly allowPrivilegeEscalation: boolean };
  readonly resources: { readonly limits: { readonly memory: string } };
}
interface Deployment {
  readonly kind: string;
  readonly spec: { readonly replicas: number; readonly template: { readonly spec: { readonly securityContext: object; readonly containers: readonly [Container] } } };
}
interface Compose {
  readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>>; readonly build?: { readonly dockerfile: string }; readonly profiles?: readonly string[]; readonly depends_on?: readonly string[] }>>;
}

const text = (file: string): string => readFileSync(file, "utf8");
const deploymentIn = (file: string): Deployment => parseAllDocuments(text(file)).map((each) => each.toJS() as Deployment).find(({ kind }) => kind === "Deployment")!;
const compose = parse(text("docker-compose.yml")) as Compose;

/** Every variable that src/config.ts reads. */
const known = new Set(text("src/config.ts").match(/\b(?:WEIR_[A-Z_]+|KUBECONFIG)\b/g));

/** What Compose makes of `${NAME:-default}` where nothing is set. */
const withDefaults = (environment: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, "$1")]));

describe("the daemon's Deployment", () => {
  const { spec } = deploymentIn("deploy/daemon.yaml");
  const [container] = spec.template.spec.containers;

  test("sets only variables that the daemon reads, to values that it takes", () => {
    expect(container.env?.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
    const config = configFrom(Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])));
    expect(config.listen.port).toBe(container.ports[0]?.containerPort);
    expect(config.redisUrl).toBe("redis://weir-redis:6379");
  });

  test.each(["deploy/daemon.yaml", "deploy/redis.yaml"])("and %s run without root, with a read-only root and a limit", (file) => {
    const { template } = deploymentIn(file).spec;
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(template.spec.containers[0].securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } });
    expect(template.spec.containers[0].resources.limits.memory).toMatch(/Mi$/);
  });

  test("has two replicas of the image that the Dockerfile says how to build", () => {
    const { images } = parse(text("deploy/kustomization.yaml")) as { images: readonly [{ name: string; newTag: string }] };
    expect(spec.replicas).toBe(2);
    expect(container.image).toBe(images[0].name);
    expect(text("deploy/Dockerfile")).toContain(`-t ${images[0].name}:${images[0].newTag} .`);
  });
});

test("weir-admin may ask the daemon's Service by the one name that weir doctor uses", () => {
  const names = grantedRights().filter(({ resource }) => resource === "services/proxy").map(({ name }) => name);
  expect(names).toEqual(["weir:http"]);
  expect(text("src/cli/doctor/daemon.ts")).toContain(`/services/${names[0]}/proxy/doctor`);
});

describe("the Dockerfile", () => {
  const dockerfile = text("deploy/Dockerfile");

  test("copies files that are there, and starts what the build makes", () => {
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, all]) => all!.split(" "));
    expect(sources.filter((file) => !existsSync(file))).toEqual([]);
    expect(dockerfile).toContain('ENTRYPOINT ["node", "dist/main.js"]');
    expect(text("build.mjs")).toContain('entryPoints: ["src/main.ts", "src/cli.ts"]');
  });

  test("ends as a user without rights", () => {
    expect(dockerfile.split(/^FROM /m).at(-1)).toMatch(/^USER 1000:1000$/m);
  });
});

describe("docker-compose.yml", () => {
  test("has the daemon with Redis and Prometheus, and the playground in a profile of its own", () => {
    expect(Object.keys(compose.services)).toEqual(["weir", "redis", "prometheus", "playground"]);
    expect(Object.entries(compose.services).filter(([, { profiles }]) => profiles).map(([name]) => name)).toEqual(["playground"]);
    expect(compose.services["weir"]?.depends_on).toEqual(["redis", "prometheus"]);
  });

  test("sets only variables that the daemon reads, to values that it takes", () => {
    const environment = withDefaults(compose.services["weir"]?.environment ?? {});
    expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
    expect(configFrom(environment)).toMatchObject({ redisUrl: "redis://redis:6379", prometheusUrl: "http://prometheus:9090" });
  });

  test("builds from the Dockerfile that is there, at targets that it has", () => {
    const dockerfiles = Object.values(compose.services).flatMap(({ build }) => (build ? [build.dockerfile] : []));
    expect(dockerfiles.filter((file) => !existsSync(file))).toEqual([]);
    expect(text("deploy/Dockerfile")).toContain(" AS playground\n");
  });
});
