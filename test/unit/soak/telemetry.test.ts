/** The telemetry that a fleet's meshes would report follows weights and error rates. */
import { describe, expect, it } from "vitest";
import { createFleetTelemetry } from "../../soak/telemetry.ts";

const APP = { namespace: "shop", name: "cart" };

/** Requests by workload and code. */
function countsIn(text: string): Readonly<Record<string, number>> {
  const rows = [...text.matchAll(/destination_workload="([^"]+)".*response_code="(\d+)".*\} (\d+)$/gm)];
  return Object.fromEntries(rows.map(([, workload, code, count]) => [`${workload} ${code}`, Number(count)]));
}

describe("a fleet's telemetry", () => {
  it("counts by the share and the error rate that were in force, and shows nothing of who had no request", () => {
    let nowMs = 0;
    const telemetry = createFleetTelemetry(20, () => nowMs);
    telemetry.share(APP, { v1: 100, v2: 0 });
    nowMs = 10_000;
    expect(countsIn(telemetry.text())).toEqual({ "cart-v1 200": 200 });
    telemetry.share(APP, { v1: 50, v2: 50 });
    telemetry.turn(APP, "v2", 0.25);
    nowMs = 20_000;
    expect(countsIn(telemetry.text())).toEqual({ "cart-v1 200": 300, "cart-v2 200": 75, "cart-v2 500": 25 });
    telemetry.turn(APP, "v2", 0);
    nowMs = 30_000;
    expect(countsIn(telemetry.text())).toEqual({ "cart-v1 200": 400, "cart-v2 200": 175, "cart-v2 500": 25 });
  });
});
