/** Starts a real Prometheus on a free port of 127.0.0.1. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { serverPrograms } from "../../config.ts";
import { onFreePort, startChild, untilReady, type Child } from "./child-process.ts";
import { createTemporaryFolder } from "./last-will.ts";
import { createServerProcess, inFolder, type ServerProcess } from "./restartable.ts";

export interface ScrapeTarget {
  readonly job: string;
  /** `host:port` */
  readonly address: string;
  /** Default `/metrics`. */
  readonly path?: string;
}

export interface PrometheusOptions {
  readonly scrapeIntervalMs: number;
  readonly targets: readonly ScrapeTarget[];
}

export interface PrometheusServer extends ServerProcess {
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly url: string;
}

const PROBE_TIMEOUT_MS = 1_000;

/** Throws a sentence if the program is not there or does not become ready. */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const folder = createTemporaryFolder("weir-prometheus");
  writeFileSync(configFileOf(folder.path), JSON.stringify(configOf(options))); // JSON is YAML
  return inFolder(folder, () =>
    onFreePort(async (port) => {
      const launch = (): Promise<Child> => launchPrometheus(port, folder.path);
      return { ...createServerProcess(await launch(), launch, folder), port, url: `http://127.0.0.1:${port}` };
    }),
  );
}

function configFileOf(folder: string): string {
  return path.join(folder, "prometheus.yml");
}

function configOf({ scrapeIntervalMs, targets }: PrometheusOptions): unknown {
  return {
    global: { scrape_interval: `${scrapeIntervalMs}ms`, scrape_timeout: `${scrapeIntervalMs}ms` },
    scrape_configs: targets.map(({ job, address, path: metricsPath = "/metrics" }) => ({
      job_name: job,
      metrics_path: metricsPath,
      static_configs: [{ targets: [address] }],
    })),
  };
}

async function launchPrometheus(port: number, folder: string): Promise<Child> {
  const args = [
    `--config.file=${configFileOf(folder)}`,
    `--storage.tsdb.path=${folder}/data`,
    "--storage.tsdb.retention.time=1d",
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
  ];
  const child = await startChild(serverPrograms().prometheus, args, path.join(folder, `prometheus-${port}.log`));
  await untilReady(child, "prometheus", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/-/ready`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return answer.ok;
  });
  return child;
}
