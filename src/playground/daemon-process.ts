/** Starts the daemon as it runs in production, as a child process that ends with this one. */
import { freePort, startChild, untilReady, type Child } from "./processes/child-process.ts";
import { programs } from "./programs.ts";

export interface DaemonOptions {
  readonly kubeconfig: string;
  readonly redisUrl: string;
  readonly prometheusUrl: string;
  /** Where its log lines go. */
  readonly logFile: string;
  /** More of the daemon's environment, such as `WEIR_SLACK_TOKEN`. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface DaemonProcess extends Child {
  /** `/healthz`, `/readyz`, `/metrics` and `/doctor` are below it. */
  readonly url: string;
}

const probeTimeoutMs = 1_000;

/** Settles when the daemon says that it is ready; throws with its last lines where it ends before. */
export async function startDaemonProcess(options: DaemonOptions): Promise<DaemonProcess> {
  const port = await freePort();
  const environment = {
    KUBECONFIG: options.kubeconfig,
    WEIR_REDIS_URL: options.redisUrl,
    WEIR_PROMETHEUS_URL: options.prometheusUrl,
    WEIR_LISTEN: `127.0.0.1:${port}`,
    WEIR_NAMESPACE: "", // whatever our own environment says
    ...options.environment,
  };
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  // `env` sets the variables and becomes the daemon: one process, with the pid that we know.
  const child = await startChild("env", [...variables, process.execPath, (await programs()).daemon], options.logFile);
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, "the daemon", async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) })).ok);
  return { ...child, url };
}
