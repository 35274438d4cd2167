/** What the doctor found, a line each. */
import type { Finding } from "../doctor/finding.ts";
import type { Style } from "../style.ts";

export function findingsSaid(findings: readonly Finding[], style: Style): readonly string[] {
  const marks = { ok: style.good("✔"), note: style.dim("·"), bad: style.bad("✖") };
  const width = Math.max(0, ...findings.map(({ subject }) => subject.length));
  return findings.flatMap(({ level, subject, message }) => {
    const [first = "", ...more] = message.split("\n");
    return [`${marks[level]} ${style.bold(subject.padEnd(width))}  ${first}`, ...more.map((line) => `${" ".repeat(width + 6)}${line}`)];
  });
}
