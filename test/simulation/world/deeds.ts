/** What each deed does to a world. */
import { formatCommand } from "../../../src/rollout/command.ts";
import { COMMAND_ANNOTATION } from "../../../src/rollout/rollout.ts";
import type { KubernetesObject } from "../../../src/kubernetes/client.ts";
import type { RolloutStatus } from "../../../src/rollout/status.ts";
import type { CommandGiven } from "./facts.ts";
import type { Deed, Scene } from "./history.ts";
import type { Controllers } from "./controllers.ts";
import { admitted, canariesIn, DEPLOYMENT, isPaused, SIDES, specOfDeployment, templateOf, theDeployment } from "./deployment.ts";
import { subsetIn } from "./side-shares.ts";
import type { Troubles } from "./troubles.ts";
import { CANARY_SIDE, STABLE_SIDE } from "../../../src/rollout/deployment.ts";
import { destinationsOf, isSound, isSplit, managedRoute, ownRoute, pointsByVersion, type Destination } from "./route-points.ts";
import { EDGE, NAME } from "./names.ts";
import { theEdge, thePods, theRollout, theRoute, theRule, type World } from "./world.ts";

type Doing<Does extends Deed["does"]> = Extract<Deed, { readonly does: Does }>;
type Act<Does extends Deed["does"]> = (world: World, deed: Doing<Does>) => void;

/** Who is told of commands as they are given. */
export type OnCommand = (given: CommandGiven) => void;

export function createActor(onCommand: OnCommand): (world: World, deed: Deed) => void {
  const acts: { readonly [Does in Deed["does"]]: Act<Does> } = {
    ...HANDS,
    ...MESH,
    ...TROUBLE,
    ...DAEMONS,
    ...DEPLOYING,
    spec: changeSpec,
    remove: removeObject,
    command: (world, deed) => giveCommand(world, deed, onCommand),
  };
  return (world, deed) => {
    world.tell("deed", describe(deed));
    (acts[deed.does] as Act<Deed["does"]>)(world, deed);
  };
}

/** `hand share=30 by=kubectl-edit`. */
function describe({ atMs: _, does, ...fields }: Deed): string {
  return [does, ...Object.entries(fields).map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)].join(" ");
}

/** A mirror of somebody's own leaves no room for ours. */
const STRANGE_MIRROR_MS = 20_000;

function withdrawMirror(server: World["server"]): void {
  const route = server.get("virtualServices", NAME);
  const { mirror, mirrorPercentage: _, ...bare } = (route && managedRoute(route)) ?? {};
  if (route && mirror?.subset === "v1") server.put("virtualServices", withManaged(route, bare), "kubectl-edit");
}

function reapplyEdge(server: World["server"], scene: Scene, dropsStamp: boolean): void {
  const wanted = theEdge(scene);
  const annotations = { ...wanted.metadata.annotations, ...(dropsStamp ? {} : server.get("virtualServices", EDGE)?.metadata.annotations) };
  server.put("virtualServices", { ...wanted, metadata: { ...wanted.metadata, annotations } }, "argocd-controller");
}

const HANDS: { readonly [Does in "hand" | "reapply" | "pick" | "shadow" | "mangle" | "removeEdge" | "decorate"]: Act<Does> } = {
  hand({ server, scene, troubles }, { share, by }) {
    const route = server.get("virtualServices", NAME);
    if (scene.deployment) return shiftSides({ server, troubles }, share, by);
    if (route && destinationsOf(route).length > 0) server.put("virtualServices", withRoute(route, shifted(server.get("rollouts", NAME), route, share)), by);
  },
  reapply({ server, scene, troubles }, { dropsStamp }) {
    troubles.disturb();
    const route = server.get("virtualServices", NAME);
    const wanted = theRoute(scene);
    const annotations = { ...wanted.metadata.annotations, ...(dropsStamp ? {} : route?.metadata.annotations) };
    server.put("virtualServices", { ...wanted, metadata: { ...wanted.metadata, annotations } }, "argocd-controller");
    if (scene.edge) reapplyEdge(server, scene, dropsStamp);
  },
  pick({ server }, { how, by }) {
    const route = server.get("virtualServices", NAME);
    const own = route && ownRoute(route);
    if (!route || !own) return;
    const spec = route["spec"] as { readonly http: readonly object[] };
    const http = spec.http.flatMap((each) => (each !== own ? [each] : how === "none" ? [] : [{ ...own, match: [{ headers: { "user-agent": { prefix: "M" } } }] }]));
    server.put("virtualServices", { ...route, spec: { ...spec, http } }, by);
  },
  shadow({ server, clock }, { how, by }) {
    const route = server.get("virtualServices", NAME);
    const managed = route && managedRoute(route);
    if (!route || !managed?.mirror) return;
    const { mirror, mirrorPercentage: _, ...bare } = managed;
    const edited = { none: bare, more: { ...managed, mirrorPercentage: { value: 90 } }, elsewhere: { ...managed, mirror: { ...mirror, subset: "v1" } } };
    server.put("virtualServices", withManaged(route, edited[how]), by);
    if (how === "elsewhere") clock.after(STRANGE_MIRROR_MS, () => withdrawMirror(server));
  },
  mangle({ server, clock, scene }, { how, forMs }) {
    const route = server.get("virtualServices", NAME);
    if (!route) return;
    server.put("virtualServices", withRoute(route, MANGLED[how](destinationsOf(route))), "terraform");
    clock.after(forMs, () => mend(server.get("virtualServices", NAME), scene, (mended) => server.put("virtualServices", mended, "kubectl-edit")));
  },
  removeEdge({ server, clock, scene, troubles }, { forMs }) {
    troubles.disturb();
    server.remove("virtualServices", EDGE, "kubectl");
    clock.after(forMs, () => {
      troubles.disturb();
      server.put("virtualServices", theEdge(scene), "kubectl");
    });
  },
  decorate({ server }, { timeout }) {
    const route = server.get("virtualServices", NAME);
    const managed = route && managedRoute(route);
    if (route && managed) server.put("virtualServices", withManaged(route, { ...managed, timeout }), "kubectl-edit");
  },
};

const MANGLED: Readonly<Record<Doing<"mangle">["how"], (destinations: readonly Destination[]) => readonly Destination[]>> = {
  sum: (destinations) => destinations.map((each, index) => (index === 0 ? { ...each, weight: (each.weight ?? 100) + 7 } : each)),
  empty: () => [],
  others: (destinations) => destinations.slice(0, 1).map((each) => ({ ...each, destination: { ...each.destination, subset: "v1" }, weight: 100 })),
  twice: (destinations) => [...destinations, ...destinations.slice(0, 1).map((each) => ({ ...each, weight: 0 }))],
};

/** Puts the route back as git has it, where it cannot be edited as it is. */
export function mend(route: KubernetesObject | undefined, scene: World["scene"], put: (mended: KubernetesObject) => void): void {
  if (isSound(route)) return;
  const wanted = theRoute(scene);
  put({ ...wanted, metadata: { ...wanted.metadata, annotations: { ...wanted.metadata.annotations, ...route?.metadata.annotations } } });
}

function withManaged(object: KubernetesObject, managed: object): KubernetesObject {
  const spec = object["spec"] as { readonly http: readonly object[] };
  return { ...object, spec: { ...spec, http: [...spec.http.slice(0, -1), managed] } };
}

export function withRoute(object: KubernetesObject, route: readonly Destination[]): KubernetesObject {
  return withManaged(object, { ...managedRoute(object), route });
}

/** The newest version gets a share of what it and stable have together. */
function shifted(rollout: KubernetesObject | undefined, route: KubernetesObject, share: number): readonly Destination[] {
  const { release, stable } = sidesOf(rollout, route);
  const points = pointsByVersion(route);
  const total = (points[release] ?? 0) + (points[stable] ?? 0);
  const canary = Math.round((total * share) / 100);
  const present = destinationsOf(route);
  const lacking = [release, stable].filter((version) => !present.some(({ destination }) => destination.subset === version));
  const all = [...present, ...lacking.map((version) => to(version, present[0]!))];
  return all.map((each) => {
    const { subset } = each.destination;
    if (subset === release) return { ...each, weight: canary };
    return subset === stable ? { ...each, weight: total - canary } : each;
  });
}

function to(version: string, sibling: Destination): Destination {
  return { ...sibling, destination: { ...sibling.destination, subset: version } };
}

/** Everything to one version. */
export function leadingTo(route: KubernetesObject, version: string): KubernetesObject {
  const [first] = destinationsOf(route);
  return first ? withRoute(route, [{ ...to(version, first), weight: 100 }]) : route;
}

/** As somebody reads them who looks at the status first. */
function sidesOf(rollout: KubernetesObject | undefined, route: KubernetesObject): { readonly release: string; readonly stable: string } {
  const status = rollout?.["status"] as RolloutStatus | undefined;
  const run = status?.run && !status.run.outcome ? status.run : undefined;
  const release = run?.to.version ?? (rollout?.["spec"] as { readonly release?: string } | undefined)?.release ?? "v3";
  const others = Object.entries(pointsByVersion(route)).filter(([version]) => version !== release && version !== "v1");
  return { release, stable: run?.from.version ?? others.sort(([, one], [, other]) => other - one)[0]?.[0] ?? "v2" };
}

const MESH: { readonly [Does in "bad" | "traffic" | "pods" | "image"]: Act<Does> } = {
  bad: ({ mesh }, { version, share }) => mesh.setBad(version, share),
  traffic: ({ mesh }, { perSecond }) => mesh.setRate(perSecond),
  pods: ({ server, controllers, troubles }, { version, ready }) => (controllers ? hold({ controllers, troubles }, version, ready) : server.put("pods", { ...server.get("pods", version)!, ready }, "kubelet")),
  image: ({ server }, { version, revision }) => server.put("pods", thePods(version, { revision }), "kubelet"),
};

function hold({ controllers, troubles }: { readonly controllers: Controllers; readonly troubles: Troubles }, tag: string, ready: number): void {
  troubles.disturb();
  controllers.hold(tag, ready === 0);
}

/** The canary's side gets a share of all, where there is one. */
function shiftSides({ server, troubles }: Pick<World, "server" | "troubles">, share: number, by: string): void {
  const route = server.get("virtualServices", NAME);
  const [first] = route ? destinationsOf(route) : [];
  const canary = subsetIn(server.get("destinationRules", SIDES), CANARY_SIDE);
  if (!route || !first || !isSplit(route) || !canary) return;
  troubles.disturb();
  server.put("virtualServices", withRoute(route, [{ ...to(STABLE_SIDE, first), weight: 100 - share }, { ...to(CANARY_SIDE, first), weight: share }]), by);
}

const DEPLOYING: { readonly [Does in "template" | "scale" | "unpause"]: Act<Does> } = {
  template(world, { version, by }) {
    changeDeployment(world, (spec) => ({ ...spec, template: templateOf(version) }), by);
  },
  scale(world, { replicas }) {
    if (replicas === 0) world.troubles.disturb();
    changeDeployment(world, (spec) => ({ ...spec, replicas }), "kubectl-scale");
  },
  unpause(world) {
    changeDeployment(world, ({ paused: _, ...spec }) => spec, "kubectl-edit");
  },
};

/** As the API server lets its owner. What rolls unheld may take the pods from under the route. */
function changeDeployment({ server, scene, troubles }: World, change: (spec: ReturnType<typeof specOfDeployment>) => object, by: string): void {
  const before = server.get("deployments", DEPLOYMENT);
  const after = before && admitted(server, scene, before, { ...before, spec: change(specOfDeployment(before)) });
  if (!before || !after) return;
  if (!isPaused(after)) troubles.disturb();
  server.put("deployments", after, by);
}

const TROUBLE: { readonly [Does in "prometheus" | "redis" | "outage" | "deaf"]: Act<Does> } = {
  prometheus({ prometheus, troubles }, { ailment, forMs }) {
    prometheus.ail(ailment, forMs);
    troubles.prometheus(forMs + 15_000);
  },
  redis({ redis }, { ailment, forMs }) {
    if (ailment === "flush") redis.flush();
    if (ailment === "away") redis.goAway(forMs);
    if (ailment === "late") redis.dawdle(forMs);
    if (ailment === "double") redis.double(forMs);
  },
  outage({ outages, troubles, clock }, { forMs }) {
    outages.server = Math.max(outages.server, clock.nowMs + forMs);
    troubles.control(forMs + 5_000);
  },
  deaf: ({ outages, clock }, { forMs }) => void (outages.receivers = Math.max(outages.receivers, clock.nowMs + forMs)),
};

const DAEMONS: { readonly [Does in "crash" | "freeze" | "oldCrd" | "stall" | "mishap"]: Act<Does> } = {
  crash: ({ crew }, { daemon, forMs }) => crew.crash(daemon, forMs),
  freeze: ({ crew }, { daemon, forMs }) => crew.freeze(daemon, forMs),
  oldCrd: ({ crew }, { daemon, forMs }) => crew.outdate(daemon, forMs),
  stall: ({ crew }, { daemon, kind, forMs }) => crew.stall(daemon, kind, forMs),
  mishap: ({ crew }, { atMs: _, does: __, ...armed }) => crew.arm(armed),
};

function changeSpec({ server }: World, { change, by }: Doing<"spec">): void {
  const rollout = server.get("rollouts", NAME);
  if (rollout) server.put("rollouts", { ...rollout, spec: { ...(rollout["spec"] as object), ...change } }, by);
}

/** With finalizers it takes its time to go; it comes back as it was, but new. */
function removeObject(world: World, { kind, forMs, isForGood }: Doing<"remove">): void {
  const { server, clock, scene, troubles } = world;
  if (kind !== "rollouts") troubles.disturb();
  if (kind === "sides") return server.remove("destinationRules", SIDES, "kubectl");
  if (kind === "canary") return canariesIn(server).forEach(({ metadata }) => server.remove("deployments", metadata.name, "kubectl"));
  const before = server.get(kind, NAME);
  server.remove(kind, NAME, "kubectl");
  const back = { rollouts: () => theRollout((before?.["spec"] as object | undefined) ?? scene.spec), virtualServices: () => theRoute(scene), destinationRules: theRule, deployments: () => theDeployment(scene.deployment!, before && specOfDeployment(before).template) }[kind];
  const restore = (): void => {
    const present = server.get(kind, NAME);
    if (present?.metadata.deletionTimestamp) return void clock.after(1_000, restore);
    if (present) return;
    if (kind !== "rollouts") troubles.disturb();
    server.put(kind, back(), "kubectl");
  };
  if (!isForGood) clock.after(forMs, restore);
}

/** The person looks now; the command arrives later, and perhaps once more. As the CLI does, it takes no other's place, but for an abort. */
function giveCommand({ server, clock }: World, deed: Doing<"command">, onCommand: OnCommand): void {
  const status = server.get("rollouts", NAME)?.["status"] as RolloutStatus | undefined;
  const { verb, id, lateMs, againMs, runOffset = 0, bare = false, to, full, reason } = deed;
  const run = Math.max(0, (status?.run?.number ?? 0) + runOffset);
  const text = bare ? verb : formatCommand({ id, verb, run, actor: "alice", ...(reason ? { reason } : {}), ...(to === undefined ? {} : { to }), ...(full ? { full } : {}) });
  const arrive = (): void => {
    const rollout = server.get("rollouts", NAME);
    if (!rollout || (rollout.metadata.annotations?.[COMMAND_ANNOTATION] !== undefined && verb !== "abort")) return;
    if (!bare) onCommand({ id, verb, run, atMs: clock.nowMs });
    server.put("rollouts", { ...rollout, metadata: { ...rollout.metadata, annotations: { ...rollout.metadata.annotations, [COMMAND_ANNOTATION]: text } } }, "weir-cli");
  };
  clock.after(lateMs, arrive);
  if (againMs !== undefined) clock.after(lateMs + againMs, arrive);
}
