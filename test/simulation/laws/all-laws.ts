/** Every law that a simulation watches over, by name: a planted bug says which of them is to catch it. Of those broken at once the first is told. */
import { harmIsTakenBack, holdIsKept, oldIsKept, pauseIsKept, rollbackHasReason, silenceIsNotSuccess } from "./judgement.ts";
import { canaryGetsNoMore, canaryIsApart, deletedIsGone, deploymentIsLeftRight, noRequestIsLost, noTickSpins, nothingIsLeft, templateIsMeant, unprovenIsHeld, vacantSideGetsNothing } from "./deployments.ts";
import type { Law } from "./law.ts";
import { abortIsInForce, endedRunIsOffTheRoute, handThatLowersIsObeyed, handThatRaisesIsUndone, obeyedForItsRun, obeyedOnce, refusedStaysRefused, suspendIsObeyed } from "./people.ts";
import { everythingEnds, finalizerHolds, newerStatusIsLeftAlone, noStepUpUnderOldCrd, nothingIsOwned, peopleAreTold, readyBeforeTraffic, recordIsKept, restIsRest, runsFollowEachOther } from "./rest.ts";
import { committedFirst, edgeMovesAlong, matchIsCommitted, mirrorIsCommitted, newCallsNew, noRiseWithoutIntent, onlyKnownWeights, othersUntouched, ownNames, sessionsAreCommitted, shapeRestored, staleWriterMovesNothing, wholeWeights } from "./traffic.ts";

export const LAWS = {
  newerStatusIsLeftAlone, noStepUpUnderOldCrd,
  committedFirst, finalizerHolds, runsFollowEachOther,
  staleWriterMovesNothing,
  wholeWeights, onlyKnownWeights, othersUntouched, shapeRestored, noRiseWithoutIntent, matchIsCommitted, mirrorIsCommitted, sessionsAreCommitted, edgeMovesAlong, newCallsNew,
  abortIsInForce, endedRunIsOffTheRoute, harmIsTakenBack, suspendIsObeyed, peopleAreTold,
  silenceIsNotSuccess, rollbackHasReason,
  obeyedOnce, obeyedForItsRun,
  refusedStaysRefused,
  holdIsKept, pauseIsKept, oldIsKept, ownNames,
  readyBeforeTraffic, nothingIsOwned,
  restIsRest, everythingEnds, recordIsKept,
  handThatLowersIsObeyed, handThatRaisesIsUndone,
  unprovenIsHeld, templateIsMeant, canaryIsApart, vacantSideGetsNothing, noRequestIsLost, canaryGetsNoMore, nothingIsLeft, deploymentIsLeftRight, deletedIsGone, noTickSpins,
} satisfies Readonly<Record<string, Law>>;

export type LawName = keyof typeof LAWS;
