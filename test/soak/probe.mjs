/** Loaded into a daemon before its own code: at each SIGUSR2 it collects garbage and writes what is left to the file that SOAK_GAUGES names. */
import { renameSync, writeFileSync } from "node:fs";
import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc");
const file = process.env.SOAK_GAUGES;

process.on("SIGUSR2", () => {
  collectGarbage();
  collectGarbage(); // what the first one's finalizers let go of
  const { rss, heapUsed, external } = process.memoryUsage();
  const { code_and_metadata_size: machineCode, bytecode_and_metadata_size: bytecode } = v8.getHeapCodeStatistics();
  const code = machineCode + bytecode;
  writeFileSync(`${file}.new`, JSON.stringify({ rss, heapUsed: heapUsed - code, code, external, handles: process.getActiveResourcesInfo().length }));
  renameSync(`${file}.new`, file);
});
