/** `npm run soak -- --minutes 20 [--rollouts 200] [--seed 1] [--real]`: prints a report; exits with 1 where a law was broken or something grows. */
import { soakArguments, type SoakArguments } from "./arguments.ts";
import { openEmbeddedApi, openRealApi } from "./fleet-api.ts";
import { isGood, textOf } from "./report-text.ts";
import { runSoak } from "./soak.ts";

async function main(given: SoakArguments): Promise<void> {
  const api = await (given.real ? openRealApi() : openEmbeddedApi());
  try {
    const report = await runSoak({ ...given, api, onProgress: (line) => console.error(line) });
    console.log(textOf(report));
    process.exitCode = isGood(report) ? 0 : 1;
  } finally {
    await api.close();
  }
}

try {
  await main(soakArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
