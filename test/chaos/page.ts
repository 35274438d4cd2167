/** `docs/reliability.md`: the table, what its words mean, and how to get it again. */
import { sumSaid, tableOf, type Row } from "./report.ts";

export function pageOf(rows: readonly Row[], seed: number): string {
  return [HEAD, tableOf(rows), sumSaid(rows), TAIL(seed)].join("\n\n");
}

const HEAD = `# Reliability: faults on real processes

Nothing that breaks may leave wrong traffic behind. This page is written by a command, which inflicts every fault of the table on real
processes and judges what came of it; its figures are those of one run of it, and nothing here was written by hand:

    npm run chaos -- --write docs/reliability.md

**What is real.** kube-apiserver and etcd, Redis, Prometheus, and daemons as in production: processes of their own, with the rights that \`deploy/\` gives
them. The pods and the proxies are the playground's mesh: real HTTP, split by the VirtualServices' weights, with the counters that Istio's have.

**One run** is one Rollout's run from v1 to v2 through 25, 50 and 100%, judged once a second, from the first write of its Rollout to its last. Of eight runs
five are of a good version, two of a version that fails half of its requests, and one is aborted by a person; a third of the routes gives a part to
somebody else, and a third knows only v1 at first. The fault begins at a random instant, and several runs meet it, each elsewhere on its way. A run counts
only if the fault struck between its first and its last write: under \`kill -9\` it has seen at least one kill.

**What must hold** under every fault, judged by a watch that is nobody's but the recorder's and misses no version, also where the server was away (it then reads
etcd's history):

- Every version of the VirtualService has whole weights that add up to 100 with the others' parts as they were, a share that is of the ladder, 0 or 100, and every other
  byte as before; the route ends in the shape that it had (law 4).
- What the route shows had been committed in the Rollout's status before (law 2). Once it is committed that a run was taken back, its share never grows again (laws 3, 5).
- Intents are numbered upwards, a weight is in force since one time, a run ends once, and no hold is cut short by the API server's own times (law 9).
- Each Rollout has exactly one run, and it ends as it should: good versions succeed, bad ones are rolled back, aborted ones are aborted. It ends within five minutes.
- No request fails but those that a bad version itself answered: what users lose, they lose to the version, not to Weir.

Each breach is one violation, and so is a fault that could not be inflicted.

**Until normal** is told in intervals of the analysis (one second here): from the fault's begin or its end, as the last column says, or from the run's own begin if that
is later, to the next status that brings a verdict, a step or an end. The first row, without any fault, is what to compare with. On a slow or busy machine these
figures grow; violations must not.`;

const TAIL = (seed: number): string => `The seed was ${seed}; it decides who is struck when, while processes keep their own time.

## How it can fail

\`npm run chaos -- --planted\` has a daemon's credentials once write 37%, which no step gives: the recorder finds it, and the command exits with 1, as it does for
each violation. \`test/unit/chaos/laws.test.ts\` feeds the laws with a bad history for each of them. \`npm run chaos -- --only "Redis: FLUSHALL"\` inflicts some faults alone,
\`--short\` one of every kind in the same runs; where \`KUBEBUILDER_ASSETS\` is set, \`npm test\` does that too (\`test/integration/chaos.test.ts\`).

## Abort at the worst time

\`test/integration/abort.test.ts\`, with the real command line: \`weir abort --force\` takes the traffic back while the daemon, Redis, Prometheus or all three are dead, and the
daemon that returns agrees and tells people who did it; at 20 random instants, with two daemons that fight for the same routes and hear late, no illegal weight is ever
seen; and with a daemon alive plain \`weir abort\` is in force at the next write although Redis or Prometheus is dead or hangs, or another daemon was killed in mid-tick and
BullMQ still holds its job.
`;
