/** Amounts as the Kubernetes API writes them: `250m`, `1.5`, `2k`, `512Mi`, `1e3`. */
import { z } from "zod";

const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/** The place of the suffix-less one. */
const UNIT = DECIMAL.indexOf("");
const FORM = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;

/** In units; undefined where it is none. Source: k8s.io/apimachinery, api/resource. */
export function quantityOf(text: string): number | undefined {
  const [, digits = "", suffix = ""] = FORM.exec(text) ?? [];
  const amount = digits === "" ? NaN : Number(digits) * factorOf(suffix);
  return Number.isNaN(amount) ? undefined : amount;
}

function factorOf(suffix: string): number {
  const power = BINARY.indexOf(suffix);
  return power > 0 ? 1024 ** power : 1000 ** (DECIMAL.indexOf(suffix) - UNIT);
}

export const Quantity = z.union([z.string(), z.number()]).transform((given) => quantityOf(String(given)));
