/** How the tests run: those in memory first, on every core; then those with real servers, a few files at a time. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "in memory",
          include: ["test/unit/**/*.test.ts", "test/simulation/**/*.test.ts"],
          testTimeout: 30_000, // property tests, on a busy machine
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "real servers",
          include: ["test/contract/**/*.test.ts", "test/integration/**/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          pool: "forks", // each file's servers end with its own process
          maxWorkers: 3, // they wait more than they compute
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
