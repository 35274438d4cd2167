/** What a tick decides: a sentence for people, and at most one change of the run. */
import type { Command } from "./command.ts";
import type { Outcome, PausedBy, Phase, Reason, Refusal, Refused, VersionRevision } from "./status.ts";

export interface Said {
  readonly phase: Phase;
  readonly reason: Reason;
  /** A sentence that a person can act on. */
  readonly message: string;
}

export interface Answer {
  /** What lastCommand will say; an unreadable annotation has no command. */
  readonly command: Command | { readonly id: string; readonly verb: string; readonly run: number; readonly actor: string; readonly reason?: string };
  readonly result: "Accepted" | "Refused";
  readonly message: string;
}

/** A run about to begin. */
export interface Beginning {
  readonly from: VersionRevision;
  readonly to: VersionRevision;
  /** Canary share that the route has now, in percent and in points. */
  readonly weight: number;
  readonly points: number;
  /** Whether the route lacks the canary, and whether its only destination has no weight. */
  readonly shape: { readonly added: boolean; readonly unweighted: boolean };
  /** No ladder: 100 when ready (undo, rollback window, firstRun: direct). */
  readonly direct: boolean;
  /** The step to enter with the same commit; absent: not ready yet. */
  readonly enter?: number;
  /** An undo marks what it leaves as refused. */
  readonly refuse?: { readonly version: VersionRevision; readonly because: Refusal; readonly reason: string };
  readonly actor?: string;
  readonly why?: string;
  /** Observe mode: since when the seen weight is in force, milliseconds since the epoch. */
  readonly inForceAtMs?: number;
}

export type Change =
  /** Nothing changes but what is said and what was learnt. */
  | { readonly kind: "stay"; readonly waiting?: boolean; readonly held?: boolean }
  | { readonly kind: "begin"; readonly run: Beginning }
  /** Go to a step of the ladder: up, down, or into a pause. */
  | { readonly kind: "enter"; readonly step: number }
  | {
      readonly kind: "end";
      readonly outcome: Outcome;
      /** The target is not tried again (law 8). */
      readonly refuse?: Refusal;
      readonly actor?: string;
      readonly why: string;
      /** The template of stable is written back into the Deployment. */
      readonly restore?: boolean;
    }
  /** Of a Deployment: the route is to lead to its two sides. */
  | { readonly kind: "split" }
  /** The last step is over; what was stable before is kept a while. */
  | { readonly kind: "keep" }
  /** Of a Deployment: it rolls to the new template itself. */
  | { readonly kind: "roll" }
  /** Of a Deployment, at rest: it shall hold another template. */
  | { readonly kind: "restore"; readonly from: string; readonly to: string }
  | { readonly kind: "pause"; readonly by: PausedBy; readonly actor?: string }
  | { readonly kind: "resume"; readonly actor: string }
  /** A hand lowered the share: it becomes the run's weight (law 12). */
  | { readonly kind: "yield"; readonly points: number }
  /** A hand raised the share: it is put back (law 12). */
  | { readonly kind: "repair" }
  /** At rest: what serves is taken into status. */
  /** What serves is stable; `refused`: a revision that runs again, and was refused before. */
  | { readonly kind: "adopt"; readonly stable: VersionRevision; readonly refused?: Refused }
  /** Observe mode: the other tool moved the weight. */
  | { readonly kind: "follow"; readonly weight: number; readonly points: number; readonly step: number; readonly inForceAtMs: number }
  /** Observe mode: a Fail, said once. */
  | { readonly kind: "wouldRollBack"; readonly why: string };

export type Decision = Said & Change & { readonly answer?: Answer };
