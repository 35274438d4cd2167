/** Reads what Prometheus sends, from the raw strings: `+Inf`, `-Inf` and `NaN` are told apart, warnings are seen. */
import { z } from "zod";
import { PrometheusError, type PrometheusErrorKind } from "./prometheus-error.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  /** May be NaN and ±Infinity. */
  readonly value: number;
}

/** One series of a matrix. */
export interface Range {
  readonly labels: Readonly<Record<string, string>>;
  /** Rising: when (ms), and what. */
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

export interface Answer {
  /** `scalar`: one sample without labels. */
  readonly type: "vector" | "scalar" | "matrix" | "string";
  /** Empty for a matrix and a string. */
  readonly samples: readonly Sample[];
  /** Of a matrix. */
  readonly ranges?: readonly Range[];
}

const Point = z.tuple([z.number(), z.string()]);
const Vector = z.array(z.object({ metric: z.record(z.string(), z.string()), value: Point }));
const Matrix = z.array(z.object({ metric: z.record(z.string(), z.string()), values: z.array(Point).default([]) }));
const Success = z.object({
  status: z.literal("success"),
  warnings: z.array(z.string()).nullish(),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("vector"), result: Vector }),
    z.object({ resultType: z.literal("scalar"), result: Point }),
    z.object({ resultType: z.literal("matrix"), result: Matrix }),
    z.object({ resultType: z.literal("string") }),
  ]),
});
const Failure = z.object({ status: z.literal("error"), errorType: z.string() });

/** Remarks on the query itself (a counter's name, say), not on the data: what Prometheus answers then is whole. */
const REMARK = /^PromQL (?:info|warning):/;

/** The answer in a body that came with a 2xx; throws a PrometheusError on anything else than a whole success. */
export function answerIn(body: unknown): Answer {
  const parsed = Success.safeParse(body);
  if (!parsed.success) throw errorIn(body) ?? new PrometheusError("notPrometheus");
  const { data, warnings } = parsed.data;
  if (warnings?.some((warning) => !REMARK.test(warning))) throw new PrometheusError("partial");
  return { type: data.resultType, samples: samplesOf(data), ...(data.resultType === "matrix" ? { ranges: data.result.map(rangeOf) } : {}) };
}

function samplesOf(data: z.infer<typeof Success>["data"]): readonly Sample[] {
  if (data.resultType === "vector") return data.result.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
  if (data.resultType === "scalar") return [{ labels: {}, value: numberOf(data.result[1]) }];
  return [];
}

function rangeOf({ metric, values }: z.infer<typeof Matrix>[number]): Range {
  return { labels: metric, points: values.map(([seconds, text]) => [Math.round(seconds * 1_000), numberOf(text)]) };
}

/** The answers that one instant query after the other would have got: one for each time at which there is a point. */
export function answersIn({ ranges = [] }: Answer): readonly { readonly atMs: number; readonly answer: Answer }[] {
  const times = new Map<number, Sample[]>();
  for (const { labels, points } of ranges) {
    for (const [atMs, value] of points) {
      const samples = times.get(atMs) ?? [];
      samples.push({ labels, value });
      times.set(atMs, samples);
    }
  }
  return [...times].toSorted(([a], [b]) => a - b).map(([atMs, samples]) => ({ atMs, answer: { type: "vector", samples } }));
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  if (text === "-Inf") return -Infinity;
  return Number(text);
}

const KIND_OF_TYPE: Readonly<Record<string, PrometheusErrorKind>> = {
  bad_data: "badQuery",
  execution: "execution",
  timeout: "unavailable",
  canceled: "unavailable",
  unavailable: "unavailable",
  internal: "unavailable",
};

/** The error that a body in Prometheus' own error format tells; undefined for any other body. */
export function errorIn(body: unknown): PrometheusError | undefined {
  const type = Failure.safeParse(body).data?.errorType;
  const kind = type === undefined ? undefined : KIND_OF_TYPE[type];
  return kind && new PrometheusError(kind, { detail: type });
}
