/** Takes secrets out of what is about to be logged: by the key's name, and by the shape of the text. */

const MAX_DEPTH = 6;
const MAX_ITEMS = 100;
const MAX_TEXT = 8_192;
const SECRET_KEY = /token|password|passwd|secret(?!ref)|authorization|cookie|credential|signature|bearer|apikey|api_key|privatekey/i;
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@]*@/gi, "$1***@"], // user and password in a URL
  [/(https?:\/\/hooks\.slack\.com\/)\S+/gi, "$1***"], // an incoming webhook's URL is its password
  [/\bxox[a-z]-[\w-]+/gi, "***"], // Slack tokens
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, "$1 ***"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, "***"], // JSON web tokens
];

/** A copy of `fields` without secrets, bounded in depth, items and length of texts. */
export function scrubbed(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return scrubObject(fields, 0);
}

/** `text` with what looks like a credential replaced. */
function scrubText(text: string): string {
  return SECRET_TEXTS.reduce((clean, [shape, instead]) => clean.replace(shape, instead), text.slice(0, MAX_TEXT));
}

function scrub(value: unknown, depth: number): unknown {
  if (typeof value === "string") return scrubText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "…";
  if (value instanceof Error) return scrubError(value, depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => scrub(item, depth + 1));
  return scrubObject(value as Record<string, unknown>, depth);
}

function scrubObject(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([key, value]) => [key, SECRET_KEY.test(key) ? hidden(value) : scrub(value, depth + 1)]));
}

function hidden(value: unknown): unknown {
  return value === undefined || value === null ? value : "***";
}

/** Only what we know to be harmless: other fields of a library's error may hold request headers. */
function scrubError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: scrubText(error.message),
    ...("code" in error && { code: scrub(error.code, depth + 1) }),
    stack: error.stack && scrubText(error.stack),
    ...(error.cause !== undefined && { cause: scrub(error.cause, depth + 1) }),
  };
}
