/** Which of some names a misspelt one was probably meant to be. */

/** The nearest names, best first: at most two letters away, in short names one. */
export function nearNames(name: string, known: Iterable<string>): readonly string[] {
  const most = name.length < 4 ? 1 : 2;
  return [...known]
    .map((each) => ({ each, distance: distanceBetween(name.toLowerCase(), each.toLowerCase()) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)
    .map(({ each }) => each);
}

/** How many letters to insert, remove or replace to come from one word to the other. */
function distanceBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at++) {
      next.push(Math.min(next[at - 1]! + 1, row[at]! + 1, row[at - 1]! + (letter === to[at - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
