/** `docs/reliability.md`: a table for each mode, what its words mean, and how to get it again. */
import type { Mode } from "./fleet.ts";
import { sumSaid, tableOf, type Row } from "./report.ts";

/** The page with what a run of one mode has measured; what it tells of the other mode stays. */
export function pageWith(page: string, mode: Mode["name"], section: string): string {
  const sections = { versions: sectionIn(page, "versions"), deployments: sectionIn(page, "deployments"), [mode]: section };
  return [HEAD, marked("versions", sections.versions), OF_DEPLOYMENTS, marked("deployments", sections.deployments), TAIL].join("\n\n");
}

/** `faults`: how many there are to be inflicted, of which a run may have chosen some. */
export function sectionOf(rows: readonly Row[], faults: number, seed: number): string {
  const some = rows.length < faults ? `\n\nThat is ${rows.length} of the ${faults} faults that the command knows for these deliveries; the others have not been measured here.` : "";
  return `${tableOf(rows)}\n\n${sumSaid(rows)}${some}\n\nThe seed was ${seed}; it decides who is struck when, while processes keep their own time.`;
}

function marked(mode: Mode["name"], section: string): string {
  return `${beginOf(mode)}\n${section}\n${endOf(mode)}`;
}

function sectionIn(page: string, mode: Mode["name"]): string {
  const [from, to] = [page.indexOf(beginOf(mode)), page.indexOf(endOf(mode))];
  return from < 0 || to < 0 ? "" : page.slice(from + beginOf(mode).length, to).trim();
}

function beginOf(mode: Mode["name"]): string {
  return `<!-- measured: ${mode} -->`;
}

function endOf(mode: Mode["name"]): string {
  return `<!-- end of ${mode} -->`;
}

const HEAD = `# Reliability: faults on real processes

Nothing that breaks may leave wrong traffic behind. The tables of this page are written by two commands, which inflict faults on real
processes and judge what came of it; the figures of each are those of one run of it, and nothing in them was written by hand:

    npm run chaos -- --write docs/reliability.md
    npm run chaos -- --deployments --write docs/reliability.md

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

const OF_DEPLOYMENTS = `## A Deployment that is updated in place

The same with \`spec.deployment\`: the Deployment, ReplicaSet and garbage collecting controllers are the real kube-controller-manager's, a stand-in for scheduler and kubelet gets pods
ready, and the API server holds a new template by the policies of \`deploy/hold.yaml\`. Of five Deployments, with four pods each, two get a good image, one an image that fails half of its requests, one is aborted at a
random instant, and one while the Deployment itself rolls. A run counts from the change of its image. Beside the laws above, at every single version of pods, rule, route and Rollout, in the server's own order:

- No side of the route has weight that the rule does not define, or that no ready pod stands behind, and no pod goes away to which the route leads (law 10).
- While a canary could answer the route does not lead to all pods; the Deployment itself gets pods of the new template only once every step has passed, and before a run has succeeded no such pod answers for stable.
- In the end every object is as before but for the image: a good one serves with all pods; of one that was taken back all pods are of the image before, and it waits in the Deployment, which is paused; where the Deployment had begun to roll
  the template before is written back. Canary and rule are gone, and of the finalizers only the one of a held Deployment is there.

**Killed at each write**: one row strikes at no random instant. A gate in front of the API server tells the writes of a run apart by what they are (25 kinds in a good run, from "a run begins" to "finalizer removed"; those
of the way back for the others), and the only daemon is killed right before the server has been asked, and right after it has done it; then the next one is started. Each kind is struck on both sides, and one that was not is a violation.`;

const TAIL = `## How it can fail

\`npm run chaos -- --planted\` has a daemon's credentials once write 37%, which no step gives: the recorder finds it, and the command exits with 1, as it does for
each violation. \`test/unit/chaos/laws.test.ts\` feeds the laws with a bad history for each of them. \`npm run chaos -- --only "Redis: FLUSHALL"\` inflicts some faults alone,
\`--short\` one of every kind in the same runs; where \`KUBEBUILDER_ASSETS\` is set, \`npm test\` does that too (\`test/integration/chaos.test.ts\`).

## Abort at the worst time

\`test/integration/abort.test.ts\`, with the real command line: \`weir abort --force\` takes the traffic back while the daemon, Redis, Prometheus or all three are dead, and the
daemon that returns agrees and tells people who did it; at 20 random instants, with two daemons that fight for the same routes and hear late, no illegal weight is ever
seen; and with a daemon alive plain \`weir abort\` is in force at the next write although Redis or Prometheus is dead or hangs, or another daemon was killed in mid-tick and
BullMQ still holds its job.
`;
