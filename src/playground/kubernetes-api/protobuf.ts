/** The protobuf that `kubectl create namespace`, `configmap`, `secret` and `deployment` send: as much of it as these kinds need. */
import { isObject, type JsonObject } from "./json.ts";

/** What a field holds, and where it goes. */
interface Field {
  readonly name: string;
  /** Absent: a number. */
  readonly read?: (bytes: Buffer) => unknown;
  /** The field may come several times: its values are gathered. */
  readonly gather?: "list" | "map";
}

type Message = Readonly<Record<number, Field>>;

const utf8 = (bytes: Buffer): string => bytes.toString("utf8");
const base64 = (bytes: Buffer): string => bytes.toString("base64");
const text = (name: string): Field => ({ name, read: utf8 });
const texts = (name: string): Field => ({ name, read: utf8, gather: "list" });
const nested = (name: string, message: Message): Field => ({ name, read: (bytes) => messageOf(bytes, message) });
const list = (name: string, message: Message): Field => ({ ...nested(name, message), gather: "list" });
const count = (name: string): Field => ({ name });
const map = (name: string, read: (bytes: Buffer) => unknown): Field => ({ name, gather: "map", read: (bytes) => messageOf(bytes, { 1: { name: "key", read: utf8 }, 2: { name: "value", read } }) });

const METADATA: Message = {
  1: text("name"), 2: text("generateName"), 3: text("namespace"), 11: map("labels", utf8), 12: map("annotations", utf8), 14: texts("finalizers"),
};
const metadata = nested("metadata", METADATA);

const PORT: Message = { 1: text("name"), 3: count("containerPort"), 4: text("protocol") };
const CONTAINER: Message = { 1: text("name"), 2: text("image"), 3: texts("command"), 4: texts("args"), 6: list("ports", PORT) };
const TEMPLATE: Message = { 1: metadata, 2: nested("spec", { 2: list("containers", CONTAINER) }) };
const DEPLOYMENT_SPEC: Message = { 1: count("replicas"), 2: nested("selector", { 1: map("matchLabels", utf8) }), 3: nested("template", TEMPLATE) };

const MESSAGES: Readonly<Record<string, Message>> = {
  Namespace: { 1: metadata },
  ConfigMap: { 1: metadata, 2: map("data", utf8), 3: map("binaryData", base64) },
  Deployment: { 1: metadata, 2: nested("spec", DEPLOYMENT_SPEC) },
  Secret: { 1: metadata, 2: map("data", base64), 3: text("type"), 4: map("stringData", utf8) },
};

const MAGIC = "k8s\0";
const ENVELOPE: Message = { 1: nested("typeMeta", { 1: text("apiVersion"), 2: text("kind") }), 2: { name: "raw", read: (bytes) => bytes } };

/** The object in the envelope; undefined for kinds that are not among those above. */
export function fromProtobuf(body: Buffer, { kind }: { readonly kind: string }): JsonObject | undefined {
  const message = MESSAGES[kind];
  if (!message || body.subarray(0, 4).toString("latin1") !== MAGIC) return undefined;
  const { typeMeta, raw } = messageOf(body.subarray(4), ENVELOPE);
  return Buffer.isBuffer(raw) && isObject(typeMeta) ? { ...typeMeta, ...messageOf(raw, message) } : undefined;
}

/** Fields that are empty count as absent: the sender writes them all. */
function messageOf(bytes: Buffer, message: Message): JsonObject {
  const found: Record<string, unknown> = {};
  for (const { number, value } of fieldsOf(bytes)) {
    const field = message[number];
    if (!field) continue;
    if (typeof value === "number") add(found, field, value);
    else if (value.length > 0 && field.read) add(found, field, field.read(value));
  }
  return found;
}

function add(found: Record<string, unknown>, { name, gather }: Field, value: unknown): void {
  const before = found[name];
  if (gather === "list") found[name] = [...(Array.isArray(before) ? (before as unknown[]) : []), value];
  else if (gather === "map" && isObject(value)) found[name] = { ...(isObject(before) ? before : {}), [String(value.key)]: value.value ?? "" };
  else found[name] = value;
}

/** Fixed-width numbers are passed over. */
function* fieldsOf(bytes: Buffer): Generator<{ readonly number: number; readonly value: Buffer | number }> {
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at);
    const { value, end } = contentAt(bytes, tag.value & 7, tag.end);
    if (value !== undefined) yield { number: tag.value >> 3, value };
    at = end;
  }
}

const VARINT = 0;
const FIXED_64 = 1;
const FIXED_32 = 5;

function contentAt(bytes: Buffer, wireType: number, start: number): { readonly value?: Buffer | number; readonly end: number } {
  if (wireType === FIXED_64) return { end: start + 8 };
  if (wireType === FIXED_32) return { end: start + 4 };
  const varint = varintAt(bytes, start);
  if (wireType === VARINT) return varint;
  const end = varint.end + varint.value;
  return { value: bytes.subarray(varint.end, end), end };
}

function varintAt(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    value += (byte & 127) * 2 ** (7 * (at - start));
    if (byte < 128) return { value, end: at + 1 };
  }
  return { value, end: bytes.length };
}
