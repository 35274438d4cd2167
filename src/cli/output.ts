/** Output formats: for people a table, for programs YAML, JSON or names. */
import { Option, type Command } from "commander";
import { stringify } from "yaml";
import type { KubernetesObject } from "../kubernetes/client.ts";

const FORMATS = ["table", "wide", "json", "yaml", "name"] as const;
export type Format = (typeof FORMATS)[number];

export function withOutput(command: Command, formats: readonly Format[] = FORMATS): Command {
  return command.addOption(new Option("-o, --output <format>", "output format").choices([...formats]).default("table"));
}

/** One object as it is, several as a List; managedFields are left out, as kubectl does. */
export function printed(objects: readonly KubernetesObject[], format: Exclude<Format, "table" | "wide">, isOne: boolean): string {
  if (format === "name") return objects.map(({ metadata }) => `rollout.weir.dev/${metadata.name}`).join("\n");
  const items = objects.map(withoutManagedFields);
  return formatted(isOne ? items[0] : { apiVersion: "v1", kind: "List", items }, format);
}

export function formatted(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? JSON.stringify(value, undefined, 2) : stringify(value, { lineWidth: 0 }).trimEnd();
}

function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
