/** Colours, where the terminal and the person want them. */
import picocolors from "picocolors";
import type { Phase, Verdict } from "../rollout/status.ts";
import type { GlobalOptions } from "./options.ts";
import type { World } from "./world.ts";

type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly accent: Paint;
}

export function styleFor({ environment, isTty }: Pick<World, "environment" | "isTty">, { color }: Pick<GlobalOptions, "color">): Style {
  return createStyle(color && isTty && !environment.noColor);
}

export function createStyle(colours: boolean): Style {
  const { bold, dim, green, red, yellow, cyan } = picocolors.createColors(colours);
  return { bold, dim, good: green, bad: red, warn: yellow, accent: cyan };
}

export function phasePaint(style: Style, phase: Phase | undefined): Paint {
  const paints: Readonly<Record<Phase, Paint>> = { Healthy: style.good, Progressing: style.accent, Paused: style.warn, Degraded: style.bad, Pending: style.dim };
  return phase ? paints[phase] : style.dim;
}

export function verdictMark(style: Style, verdict: Verdict): string {
  const marks: Readonly<Record<Verdict, string>> = { Pass: style.good("✔"), Fail: style.bad("✖"), Error: style.bad("!"), NoData: style.warn("∅"), Inconclusive: style.dim("…") };
  return marks[verdict];
}
