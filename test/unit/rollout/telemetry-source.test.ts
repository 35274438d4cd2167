/** Whose counters a Rollout is judged by: what is asked for, and what a change of it does to the evidence. */
import { describe, expect, it } from "vitest";
import { definitionOf } from "../../../src/rollout/analysis/judge.ts";
import { questionsFor } from "../../../src/rollout/analysis/questions.ts";
import { Metric, type RolloutSpecInput } from "../../../src/rollout/spec.ts";
import { anObservation, aRollout } from "../../support/rollouts.ts";

const asked = (analysis: RolloutSpecInput["analysis"]) => questionsFor(aRollout({ spec: { analysis } }), anObservation({ seconds: 71 }));

describe("a question", () => {
  it("names the source, Istio where nobody says another one", () => {
    expect(asked({}).map(({ source }) => source)).toEqual(["istio"]);
    expect(asked({ source: "linkerd" }).map(({ source }) => source)).toEqual(["linkerd"]);
  });

  it("names Envoy's cluster of each version, by the template", () => {
    expect(asked({ source: "envoy", envoyCluster: "$(namespace)_$(name)-$(version)_80" })[0]).toMatchObject({ canary: { cluster: "bookinfo_reviews-v3_80" }, stable: { cluster: "bookinfo_reviews-v2_80" } });
    expect(asked({})[0]!.canary).not.toHaveProperty("cluster");
  });
});

describe("the evidence of a metric", () => {
  const errors = Metric.parse({ name: "errors", errorRate: { max: "1%" } });
  const query = Metric.parse({ name: "own", query: "sum(up)", min: 1 });

  it("begins anew where it is read from another source, or from other clusters", () => {
    const definitions = [{ source: "istio" }, { source: "linkerd" }, { source: "envoy", envoyCluster: "$(version)" }, { source: "envoy", envoyCluster: "a_$(version)" }] as const;
    expect(new Set(definitions.map((one) => definitionOf(errors, one))).size).toBe(4);
  });

  it("is kept from before there were sources: an upgrade changes no definition", () => {
    expect(definitionOf(errors, { source: "istio" })).toBe("89808a5e");
    expect(definitionOf(query, { source: "linkerd" })).toBe(definitionOf(query, { source: "istio" }));
  });
});
