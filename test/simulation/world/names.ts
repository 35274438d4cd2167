/** What is called how in a simulated world. */

/** The Rollout, its VirtualService and its rule. */
export const NAME = "reviews";
/** The VirtualService that moves along, where there is one: laws look at it as far as they say so. */
export const EDGE = "reviews-edge";
export const VERSIONS = ["v1", "v2", "v3", "v4"];
