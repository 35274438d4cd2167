/** How the tests run: those in memory first, on every core; then those with real servers, a few files at a time; then whole deliveries, which need the machine; at last, alone, what counts every request, and what works in every namespace. */
import { defineConfig } from "vitest/config";

const inIntegration = (names: readonly string[]): string[] => names.map((name) => `test/integration/${name}.test.ts`);
/** Each strategy and kind of route, under live traffic. At a desk their contracts, and the deliveries below, stand for them: a whole run plays them all, and whoever names one plays it. */
const ofStrategies = ["matched-requests", "mirrored-requests", "blue-green", "routes-together", "objects-together", "followers", "connections", "route-forms", "service-entries", "pinned-users", "grpc-routes", "deployment-gateway"];
const isPlayed = (name: string): boolean => process.env["WEIR_TEST_WHOLE"] === "true" || process.argv.some((argument) => argument.includes(name));
/** Live traffic, judged by its latency and its errors: beside others a slow machine would be the judge. */
const deliveries = ["scenarios", "playground", "story", "gitops", "kills", "fleet", "soak", "chaos", "deployment-mode", "gateway-api", ...ofStrategies.filter(isPlayed)];
/** One counts writes to the last one, and scrapes that come late would add looks; the second one's daemon would obey in the namespaces of other tests; twenty commands against two daemons that fight keep an API server busy with nothing else for most of a minute. */
const alone = ["cost", "tenants", "abort", "shares"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "in memory",
          include: ["test/unit/**/*.test.ts", "test/simulation/**/*.test.ts"],
          isolate: false, // the code under test keeps nothing in its modules, and to read it anew for each file takes longer than most files
          maxWorkers: "100%",
          testTimeout: 30_000, // property tests, on a busy machine
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "real servers",
          include: ["test/contract/**/*.test.ts", "test/integration/**/*.test.ts"],
          exclude: inIntegration([...deliveries, ...ofStrategies, ...alone]),
          globalSetup: ["test/support/global-setup.ts"],
          pool: "forks", // each file's servers end with its own process
          maxWorkers: 4, // they wait more than they compute
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "deliveries",
          include: inIntegration(deliveries),
          globalSetup: ["test/support/global-setup.ts"],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "alone",
          include: inIntegration(alone),
          globalSetup: ["test/support/global-setup.ts"],
          pool: "forks",
          maxWorkers: 1,
          testTimeout: 60_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
