/** A daemon that is killed at a write of a route: the server has not been asked yet, or has done it and nobody was told. */
import type { ApiGate, StopSide } from "./api-gate.ts";
import type { Scene } from "./scene.ts";

/** Starts one behind the gate, and settles when it is dead; it must be alone, or another one goes on. `name`: of the VirtualService. */
export async function killedAtRoute(scene: Scene, gate: ApiGate, name: string, side: StopSide): Promise<void> {
  const stopped = gate.stopAt(({ method, path }) => (method === "PATCH" && !path.includes("dryRun") && path.split("?")[0]!.endsWith(`/virtualservices/${name}`) ? side : undefined));
  const daemon = await scene.startDaemon({ kubeconfig: gate.kubeconfig });
  await stopped;
  daemon.signal("SIGKILL");
  await daemon.ended;
  gate.open();
}
