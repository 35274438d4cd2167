/** `weir uninstall`: lets go of every route and every Deployment, without a daemon. */
import type { Command } from "commander";
import { RESOURCES, type KubernetesClient, type KubernetesObject } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { rolloutOf } from "../../kubernetes/rollout-object.ts";
import { deploymentOf } from "../../rollout/deployment.ts";
import { HOLD_POLICY } from "../../rollout/rollout.ts";
import { withCluster, type Cluster } from "../cluster.ts";
import { forEach } from "../command/for-each.ts";
import { letGo } from "../command/let-go.ts";
import { whoAmI } from "../command/who-am-i.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf } from "../options.ts";
import { listRollouts } from "../targets.ts";
import type { World } from "../world.ts";

/** Canaries have their time to end, and each write its time to be in force. */
const DEFAULT_TIMEOUT_MS = 5 * 60_000;

interface UninstallOptions {
  readonly yes?: boolean;
  readonly daemonNamespace: string;
}

export function configure(command: Command, world: World): void {
  command
    .description("Lets go of every route and Deployment in the cluster (with -n: in that namespace), without a daemon: runs that go on are\naborted, traffic goes to stable, canaries go, Deployments are un-paused where their template has proven good, finalizers are\nremoved. Then it says what to delete. Needs --yes.")
    .option("--yes", "do it")
    .option("--daemon-namespace <namespace>", "where the daemon runs", "weir-system")
    .action((options: UninstallOptions) => withCluster(world, globalOptionsOf(command), (cluster) => uninstall(command, world, cluster, options)));
}

async function uninstall(command: Command, world: World, cluster: Cluster, { yes, daemonNamespace }: UninstallOptions): Promise<void> {
  const inOneNamespace = globalOptionsOf(command).namespace !== undefined;
  const objects = await listRollouts(cluster, { allNamespaces: !inOneNamespace });
  const names = objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  if (!yes) throw new Failure(`would let go of ${names.length === 0 ? "no Rollouts" : `${names.length} Rollouts (${names.join(", ")})`}; say --yes to do it. First end the daemon: kubectl scale deployment weir -n ${daemonNamespace} --replicas=0`, EXIT.usage);
  const [istio, actor] = await Promise.all([cluster.istio(), whoAmI(cluster.client)]);
  if (!inOneNamespace && objects.some(namesDeployment)) await takeHoldAway(cluster.client);
  const timeoutMs = globalOptionsOf(command).timeoutMs ?? DEFAULT_TIMEOUT_MS;
  await forEach(objects, world, (object) => letGo(istio, object, { actor, timeoutMs, isHoldTakenAway: !inOneNamespace, skewMs: () => cluster.skewMs() }));
  world.out(inOneNamespace ? `No route is held in namespace ${cluster.namespace} any more, and no Deployment.` : remaining(daemonNamespace).join("\n"));
}

function namesDeployment(object: KubernetesObject): boolean {
  return deploymentOf(rolloutOf(object)) !== undefined;
}

/** It would refuse to everybody but the daemon that a held Deployment is let go of. Who may not take it away is told so when it does. */
async function takeHoldAway(client: KubernetesClient): Promise<void> {
  for (const resource of [RESOURCES.validatingAdmissionPolicyBindings, RESOURCES.mutatingAdmissionPolicyBindings]) {
    await client.delete(resource, undefined, HOLD_POLICY).catch((error: unknown) => {
      if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 403)) throw error;
    });
  }
}

function remaining(daemonNamespace: string): readonly string[] {
  return [
    "No route is held any more, and no Deployment. What is left to delete:",
    `  kubectl delete namespace ${daemonNamespace}`,
    "  kubectl delete clusterrole weir weir-namespace weir-view weir-operate weir-admin",
    "  kubectl delete clusterrolebinding weir      # and the RoleBinding weir in each namespace that had Rollouts",
    "  kubectl delete validatingadmissionpolicy,validatingadmissionpolicybinding weir-commands weir-spec",
    "  kubectl delete --ignore-not-found mutatingadmissionpolicy,mutatingadmissionpolicybinding,validatingadmissionpolicy,validatingadmissionpolicybinding weir-hold # before the CRDs",
    "  kubectl delete crd rollouts.weir.dev        # and with it every Rollout",
    "  kubectl delete crd rolloutruns.weir.dev     # and with it the record of every run",
  ];
}
