/** Runs a Lua script as Argo CD does: the object is `obj`, the result is what the script returns, and of the libraries only the basic one and `table` are there. */
import { execFileSync } from "node:child_process";

/** The script's result, by way of JSON. Throws with what the interpreter says where the script fails. */
export function runLua(script: string, object: unknown): unknown {
  const program = `${PRELUDE}\nobj = ${literal(object)}\nwrite(script([==[${script}]==]))\n`;
  return JSON.parse(execFileSync(process.env["WEIR_LUA"] ?? "lua5.1", ["-"], { input: program, encoding: "utf8" }));
}

/** Keeps for itself what the script must not have. */
const PRELUDE = `
local format, out, load, gsub = string.format, io.write, loadstring, string.gsub
local function escape(character) return format("\\\\u%04x", character:byte()) end
local function json(value)
  if type(value) == "string" then return '"' .. gsub(value, '[%c"\\\\]', escape) .. '"' end
  if type(value) ~= "table" then return tostring(value) end
  local list, fields = {}, {}
  for _, each in ipairs(value) do list[#list + 1] = json(each) end
  for key, each in pairs(value) do if type(key) == "string" then fields[#fields + 1] = json(key) .. ":" .. json(each) end end
  if #list > 0 then return "[" .. table.concat(list, ",") .. "]" end
  return "{" .. table.concat(fields, ",") .. "}"
end
function write(value) out(json(value)) end
function script(text)
  string, io, os, package, require, loadstring, dofile, loadfile, debug, math = nil
  return assert(load(text))()
end`;

/** A JSON value as Lua; null and fields without a value are not there. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(literal).join(", ")}}`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).filter(([, each]) => each !== undefined && each !== null);
    return `{${fields.map(([key, each]) => `[${quoted(key)}] = ${literal(each)}`).join(", ")}}`;
  }
  return typeof value === "string" ? quoted(value) : JSON.stringify(value);
}

/** Byte by byte: Lua 5.1 knows no escapes but these. */
function quoted(text: string): string {
  return `"${[...Buffer.from(text)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
}
