/** Every verb, one line each; a verb's module is loaded when it is called, so that `weir --help` loads none. */
import type { Command } from "commander";
import type { World } from "./world.ts";

export interface Verb {
  readonly group: "Look" | "Act" | "Set up";
  readonly summary: string;
  load(): Promise<{ configure(command: Command, world: World): void }>;
}

export const REGISTRY: Readonly<Record<string, Verb>> = {
  get: { group: "Look", summary: "list Rollouts, or show one with its steps, checks and pods", load: () => import("./verbs/get.ts") },
  watch: { group: "Look", summary: "follow Rollouts live until they are settled", load: () => import("./verbs/watch.ts") },
  wait: { group: "Look", summary: "wait for a phase or condition; for scripts", load: () => import("./verbs/wait.ts") },
  history: { group: "Look", summary: "list the runs that were, also of Rollouts that are gone", load: () => import("./verbs/history.ts") },
  explain: { group: "Look", summary: "say why a Rollout is where it is and what would change that, or how a run ended", load: () => import("./verbs/explain.ts") },
  simulate: { group: "Look", summary: "rehearse a Rollout: which bad version would be stopped, how soon, at what cost", load: () => import("./verbs/simulate.ts") },
  backtest: { group: "Look", summary: "replay what Weir would have decided on past data", load: () => import("./verbs/backtest.ts") },
  release: { group: "Act", summary: "deliver a version: write spec.release", load: () => import("./verbs/release.ts") },
  promote: { group: "Act", summary: "go on to the next step, to a given one, or to the end", load: () => import("./verbs/promote.ts") },
  pause: { group: "Act", summary: "stay at the present weight; judging goes on", load: () => import("./verbs/pause.ts") },
  resume: { group: "Act", summary: "go on after a pause", load: () => import("./verbs/resume.ts") },
  abort: { group: "Act", summary: "take the traffic back, now", load: () => import("./verbs/abort.ts") },
  undo: { group: "Act", summary: "go back to what was stable before", load: () => import("./verbs/undo.ts") },
  retry: { group: "Act", summary: "try a refused version again", load: () => import("./verbs/retry.ts") },
  restart: { group: "Act", summary: "give a Deployment new pods of the same template, by a run", load: () => import("./verbs/restart.ts") },
  lint: { group: "Set up", summary: "check manifests without a cluster", load: () => import("./verbs/lint.ts") },
  doctor: { group: "Set up", summary: "look for what keeps Weir from working well", load: () => import("./verbs/doctor.ts") },
  playground: { group: "Set up", summary: "turn a version bad or slow in a running playground", load: () => import("./verbs/playground.ts") },
  daemon: { group: "Set up", summary: "run the daemon, as in the cluster", load: () => import("./verbs/daemon.ts") },
  crd: { group: "Set up", summary: "print the CustomResourceDefinitions", load: () => import("./verbs/crd.ts") },
  uninstall: { group: "Set up", summary: "give all traffic back to stable and let go, before the CRD is deleted", load: () => import("./verbs/uninstall.ts") },
  completion: { group: "Set up", summary: "print completions for bash, zsh or fish", load: () => import("./verbs/completion.ts") },
  version: { group: "Set up", summary: "print the version, and the daemon's", load: () => import("./verbs/version.ts") },
};
