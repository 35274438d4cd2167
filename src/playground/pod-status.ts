/** The status of a pod, as a kubelet would write it. */

interface Container {
  readonly name: string;
  readonly image: string;
}

export interface PodLife {
  readonly containers: readonly Container[];
  readonly podIP: string;
  readonly now: string;
}

const CONDITIONS = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];

/** An address that looks like a pod's; nobody listens there. `draw` is in [0, 1). */
export function podIpOf(draw: number): string {
  return `10.244.0.${2 + Math.floor(draw * 250)}`;
}

export function readyStatus({ containers, podIP, now }: PodLife) {
  return {
    phase: "Running",
    podIP,
    startTime: now,
    conditions: CONDITIONS.map((type) => ({ type, status: "True", lastTransitionTime: now })),
    containerStatuses: containers.map((container) => ({ ...container, imageID: "", ready: true, started: true, restartCount: 0, state: { running: { startedAt: now } } })),
  };
}

/** It runs, and does not answer its readiness probe. */
export function unreadyStatus(life: PodLife) {
  const status = readyStatus(life);
  return { ...status, conditions: unready(life), containerStatuses: status.containerStatuses.map((container) => ({ ...container, ready: false })) };
}

/** Its images cannot be had: it will never run. */
export function unpulledStatus(life: PodLife) {
  const waiting = ({ image }: Container) => ({ waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}"` } });
  const containerStatuses = life.containers.map((container) => ({ ...container, imageID: "", ready: false, started: false, restartCount: 0, state: waiting(container) }));
  return { phase: "Pending", podIP: life.podIP, startTime: life.now, conditions: unready(life), containerStatuses };
}

function unready({ containers, now }: PodLife) {
  const message = `containers with unready status: [${containers.map(({ name }) => name).join(" ")}]`;
  const isTrue = (type: string): boolean => !type.endsWith("Ready");
  return CONDITIONS.map((type) => ({ type, status: isTrue(type) ? "True" : "False", lastTransitionTime: now, ...(isTrue(type) ? {} : { reason: "ContainersNotReady", message }) }));
}
