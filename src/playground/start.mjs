/** `npm run playground`: installs what is lacking, then runs the playground in this very process, so that signals and the exit code are its own. */
import { installPackages, installPrograms, orSayWhatIsLacking, SERVERS } from "./install.mjs";

await orSayWhatIsLacking(async () => {
  await installPackages();
  await installPrograms(SERVERS);
});
const { register } = await import("tsx/esm/api");
register();
await import("./main.ts");
