/** Splits a stream of text into lines of bounded length. */

/** Yields each line without its end; throws a RangeError at a line longer than `mostChars`. A last line without end is not yielded. */
export async function* linesOf(chunks: AsyncIterable<string>, mostChars: number): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    if (lines.some(({ length }) => length > mostChars)) throw new RangeError(`a line is longer than ${mostChars} characters`);
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line.trim() !== "");
  }
}
