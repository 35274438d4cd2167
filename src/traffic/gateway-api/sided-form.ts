/** How a rule is written whose references are to pods of one Deployment: to the user's Service, or to one of ours for each side. */
import { CANARY_SIDE, type SideNames, STABLE_SIDE } from "../../rollout/deployment.ts";
import type { RolloutRef } from "../../rollout/rollout.ts";
import type { SidedForm } from "../weighted-router.ts";
import { isSide, sideService } from "./own-services.ts";
import { FORM, isService, type BackendRef } from "./route-object.ts";
import type { RulePlace } from "./route-place.ts";

export interface GatewaySidedForm extends SidedForm<BackendRef> {
  /** Leads to the Deployment's pods, whichever way. */
  isOurs(reference: BackendRef): boolean;
}

export interface Whose {
  readonly rollout: RolloutRef;
  readonly names: SideNames;
  /** Name of the user's Service. */
  readonly service: string;
}

/** `isSplit`: how references of ours are to be written. */
export function sidedForm(place: RulePlace, { rollout, names, service }: Whose, isSplit = false): GatewaySidedForm {
  const [stable, canary] = [sideService(rollout, STABLE_SIDE), sideService(rollout, CANARY_SIDE)];
  const isHere = (each: BackendRef): boolean => isService(each) && (each.namespace ?? place.namespace) === rollout.namespace;
  const isOfSide = (each: BackendRef): boolean => isHere(each) && isSide(each, rollout);
  const isOurs = (each: BackendRef): boolean => isOfSide(each) || (isHere(each) && each.name === service);
  const led = (each: BackendRef, name: string): BackendRef => (each.name === name ? each : { ...structuredClone(each), name });
  const named = (each: BackendRef): string => (each.name === canary ? names.canary : each.name === stable ? names.stable : names.plain);
  return {
    ...FORM,
    isOurs,
    isSide: isOfSide,
    versionOf: (each) => (isOurs(each) ? named(each) : FORM.versionOf(each)),
    spelled: (each) => {
      if (!isOurs(each)) return each;
      return isSplit ? led(each, each.name === service ? stable : each.name) : led(each, service);
    },
    siblingOf: (sibling, version) => led(sibling, version === names.canary ? canary : isSplit ? stable : service),
  };
}
