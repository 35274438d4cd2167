/** A bug that is planted around a daemon, to show that the simulation can fail. */
import type { LawName } from "../laws/all-laws.ts";
import type { Tampering } from "../world/tampering.ts";

export interface PlantedBug {
  /** What the daemon does wrong. */
  readonly does: string;
  /** The law that it breaks first. */
  readonly breaks: LawName;
  /** A seed whose history shows it; `npm run simulate -- --histories 0` finds another. */
  readonly caughtAt: number;
  /** Anew for each history: some remember. */
  readonly plant: () => Tampering;
}
