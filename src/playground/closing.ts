/** The playground's last words: what a newcomer may try next. */
import type { Delivery } from "./deliveries.ts";
import type { Style } from "./display.ts";
import { wrapped } from "./narration.ts";
import type { Playground } from "./playground.ts";
import { reviews } from "./samples/sample-apps.ts";

type Command = readonly [command: string, what: string];

export function farewell(style: Style): readonly string[] {
  return [
    ...wrapped("Everything is ended and removed now. To look around yourself, keep it running:"),
    "",
    ...commandLines([["npm run playground -- --stay", "and in another terminal weir, kubectl, curl"], ["npm run playground -- --scenario slow", "another story"]], style),
    "",
    ...wrapped("How a Rollout is written, and how to bring Weir to your cluster: README.md."),
    "",
  ];
}

/** `last` is what was played last. */
export function invitation({ env, url, prometheusUrl }: Pick<Playground, "env" | "url" | "prometheusUrl">, last: Delivery, style: Style): readonly string[] {
  const { app, version } = nextOf(last);
  const commands: readonly Command[] = [
    [`. ${env}`, "first: speak to this playground"],
    ["kubectl get weir", "phase, step, weight"],
    [`weir explain ${last.app ?? reviews.name}`, "why it is where it is"],
    ["kubectl get weirruns", "how each run ended"],
    ...nextDelivery(last),
    [`weir watch ${app}`, "watch it,"],
    [`weir playground break ${app} ${version} ${badlyAs(last)}`, "turn it bad on its way,"],
    [`weir abort ${app}`, "or take it back yourself"],
    ["kubectl set image deploy/ratings ratings=ratings:v2", "or change an image in place,"],
    ["weir watch ratings", "and watch that"],
    [`curl -s -H 'Host: reviews' ${url}/`, "be one of the users"],
  ];
  return [
    "  It all goes on until Ctrl-C, which leaves nothing behind. In another terminal, in this folder:",
    "",
    ...commandLines(commands, style),
    "",
    `  Prometheus has its own pages: ${prometheusUrl}`,
    "",
  ];
}

interface Next {
  readonly app: string;
  readonly version: string;
}

/** What was refused is mended and tried again; after a success there is another version. */
function nextOf({ ending, release, app = reviews.name }: Delivery): Next {
  return ending === "promoted" ? { app: reviews.name, version: "v3" } : { app, version: release };
}

/** In the way by which it was found out before. */
function badlyAs({ ending, behaviour }: Delivery): string {
  return ending === "takenBack" && behaviour.errorRate === 0 ? "--latency 2s" : "--errors 5%";
}

function nextDelivery(last: Delivery): readonly Command[] {
  const { app, version } = nextOf(last);
  if (last.ending === "promoted") return [[`weir release ${app} ${version}`, "deliver another version,"]];
  return [
    [`weir playground break ${app} ${version} --errors 0% --latency 8ms`, `mend ${version},`],
    [`weir retry ${app}`, "try it again,"],
  ];
}

function commandLines(commands: readonly Command[], style: Style): readonly string[] {
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, what]) => `    $ ${style.bold(command.padEnd(width))}  ${style.dim(what)}`);
}
