/** `weir uninstall`: lets go of every route, without a daemon. */
import type { Command } from "commander";
import { withCluster, type Cluster } from "../cluster.ts";
import { forEach } from "../command/for-each.ts";
import { letGo } from "../command/let-go.ts";
import { whoAmI } from "../command/who-am-i.ts";
import { EXIT, Failure } from "../failure.ts";
import { globalOptionsOf } from "../options.ts";
import { listRollouts } from "../targets.ts";
import type { World } from "../world.ts";

interface UninstallOptions {
  readonly yes?: boolean;
  readonly daemonNamespace: string;
}

export function configure(command: Command, world: World): void {
  command
    .description("Lets go of every route in the cluster (with -n: in that namespace), without a daemon: runs that go on are aborted,\ntraffic goes to stable, finalizers are removed. Then it says what to delete. Needs --yes.")
    .option("--yes", "do it")
    .option("--daemon-namespace <namespace>", "where the daemon runs", "weir-system")
    .action((options: UninstallOptions) => withCluster(world, globalOptionsOf(command), (cluster) => uninstall(world, cluster, options, globalOptionsOf(command).namespace !== undefined)));
}

async function uninstall(world: World, cluster: Cluster, { yes, daemonNamespace }: UninstallOptions, inOneNamespace: boolean): Promise<void> {
  const objects = await listRollouts(cluster, { allNamespaces: !inOneNamespace });
  const names = objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  if (!yes) throw new Failure(`would let go of ${names.length === 0 ? "no Rollouts" : `${names.length} Rollouts (${names.join(", ")})`}; say --yes to do it. First end the daemon: kubectl scale deployment weir -n ${daemonNamespace} --replicas=0`, EXIT.usage);
  const [istio, actor] = await Promise.all([cluster.istio(), whoAmI(cluster.client)]);
  await forEach(objects, world, (object) => letGo(istio, object, actor));
  world.out(inOneNamespace ? `No route is held in namespace ${cluster.namespace} any more.` : remaining(daemonNamespace).join("\n"));
}

function remaining(daemonNamespace: string): readonly string[] {
  return [
    "No route is held any more. What is left to delete:",
    `  kubectl delete namespace ${daemonNamespace}`,
    "  kubectl delete clusterrole weir weir-namespace weir-view weir-operate weir-admin",
    "  kubectl delete clusterrolebinding weir      # and the RoleBinding weir in each namespace that had Rollouts",
    "  kubectl delete validatingadmissionpolicy,validatingadmissionpolicybinding weir-commands weir-spec",
    "  kubectl delete crd rollouts.weir.dev        # and with it every Rollout",
    "  kubectl delete crd rolloutruns.weir.dev     # and with it the record of every run",
  ];
}
