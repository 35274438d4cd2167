/** A history and what it led to, for people. */
import { stringify } from "yaml";
import { LAWS } from "../laws/all-laws.ts";
import type { DaemonScene, History } from "./history.ts";
import type { Outcome } from "./play.ts";

export function transcriptOf({ scene }: History, { violation, story }: Outcome): string {
  const law = violation && violation.law !== "noUnexpectedError" ? LAWS[violation.law] : undefined;
  const verdict = violation ? [`${law ? `law ${law.number} is broken (${law.says})` : "a tick failed in a way that none may"}:`, violation.sentence] : ["no law is broken"];
  const split = Object.entries(scene.split).map(([version, points]) => `${version} ${points ?? "unweighted"}`);
  return [
    ...verdict,
    "",
    `the route begins at ${split.join(", ")}; ${scene.daemons.map(daemonSaid).join(", ")}`,
    ...stringify(scene.spec, { lineWidth: 0, flowCollectionPadding: false }).trimEnd().split("\n").map((line) => `  ${line}`),
    "",
    ...story,
    "",
  ].join("\n");
}

function daemonSaid({ name, skewMs, isNext, joinsAtMs }: DaemonScene): string {
  const more = [...(isNext ? ["of the next version"] : []), ...(skewMs === 0 ? [] : [`its clock ${skewMs > 0 ? "ahead" : "behind"} by ${Math.abs(skewMs)} ms`]), ...(joinsAtMs === undefined ? [] : [`joins after ${joinsAtMs} ms`])];
  return more.length === 0 ? name : `${name} (${more.join(", ")})`;
}
