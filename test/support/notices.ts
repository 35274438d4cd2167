/** Notices for tests. */
import type { Notice } from "../../src/rollout/notice.ts";

export function aNotice(fields: Partial<Notice> = {}): Notice {
  return {
    rollout: { namespace: "shop", name: "reviews", uid: "uid-reviews" },
    run: 7,
    seq: 1,
    event: "Started",
    at: "2026-01-01T00:00:00.000Z",
    phase: "Progressing",
    from: { version: "v2", revision: "v2-6d5f" },
    to: { version: "v3", revision: "v3-9c1e" },
    weightPercent: 10,
    step: "1/4",
    message: "v3 gets 10% of the requests for 1m",
    checks: [{ name: "errors", verdict: "Pass", value: "0.2%", limit: "1%" }],
    links: [{ title: "Grafana", url: "https://grafana.example/d/x?var-ns=shop" }],
    command: "weir abort reviews -n shop --run 7",
    ...fields,
  };
}
