/** Rows about many objects at once, and about the forms in which objects are sent: lists of every kind, what is forgotten, bodies, doors. */
import { expect } from "vitest";
import type { ApiEvent } from "../../support/api-request.ts";
import { until } from "../../support/until.ts";
import { created, events, names, owners, type Behaviour } from "./behaviour.ts";
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, type Answer, type Body, type Subject } from "./subject.ts";
import { widget } from "./widgets.ts";

const EVERYWHERE = "/apis/contract.weir.dev/v1/widgets";
const PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/** A Status that says what was wrong, in how many words soever. */
const refused = ({ status, body }: Answer): readonly unknown[] => [status, body.reason, body.kind];

export const collections: readonly Behaviour[] = [
  {
    name: "A list may be of all namespaces; a single object is found in its own, and created in one",
    async check(subject) {
      await created(subject, widget("a", {}, { labels: { home: subject.namespace } }));
      const all = await subject.ask("GET", `${EVERYWHERE}?labelSelector=home%3D${subject.namespace}`);
      expect([names(all), all.body.kind]).toEqual([["a"], "WidgetList"]);
      for (const answer of [await subject.ask("GET", `${EVERYWHERE}/a`), await subject.ask("POST", EVERYWHERE, widget("a"))]) {
        expect([answer.status, answer.body.text]).toEqual([404, "404 page not found\n"]);
      }
    },
  },
  {
    name: "A collection is deleted as far as it is selected, and what has finalizers waits",
    async check(subject) {
      await created(subject, widget("a", {}, { labels: { go: "1" } }));
      await created(subject, widget("b", {}, { labels: { go: "1" }, finalizers: ["weir.dev/traffic"] }));
      await created(subject, widget("c"));
      expect((await subject.ask("DELETE", `${subject.widgets}?labelSelector=go&dryRun=All`)).status).toBe(200);
      expect(names(await subject.ask("GET", subject.widgets))).toEqual(["a", "b", "c"]);
      const { status, body } = await subject.ask("DELETE", `${subject.widgets}?labelSelector=go`);
      expect([status, body.kind]).toEqual([200, "WidgetList"]);
      await until(async () => names(await subject.ask("GET", subject.widgets)).join() === "b,c");
      expect((await subject.ask("GET", `${subject.widgets}/b`)).body.metadata?.deletionTimestamp).toBeTypeOf("string");
    },
  },
  {
    name: "A generated name begins as it was asked for, and is another one each time",
    async check(subject) {
      const given = { ...widget(""), metadata: { generateName: "w-" } };
      const made = [await created(subject, given), await created(subject, given)].map(({ metadata }) => String(metadata?.name));
      for (const name of made) expect(name).toMatch(/^w-[a-z0-9]{5}$/);
      expect(new Set(made).size).toBe(2);
    },
  },
  {
    name: "A PUT replaces all of an object but what is the server's, and never creates one",
    async check(subject) {
      const before = await created(subject, widget("a", { size: 5, port: 80 }, { labels: { a: "b" } }));
      const given = { ...widget("a", { mode: "observe" }), metadata: { name: "a", resourceVersion: before.metadata?.resourceVersion } };
      const { status, body } = await subject.ask("PUT", `${subject.widgets}/a`, given);
      expect([status, body.spec, body.metadata?.labels, body.metadata?.uid, body.metadata?.generation]).toEqual([
        200, { release: "v1", mode: "observe", size: 1, steps: [{ weight: 10, hold: "1m" }] }, undefined, before.metadata?.uid, 2,
      ]);
      expect(refused(await subject.ask("PUT", `${subject.widgets}/a`, widget("a")))).toEqual([422, "Invalid", "Status"]);
      expect(refused(await subject.ask("PUT", `${subject.widgets}/b`, widget("b")))).toEqual([404, "NotFound", "Status"]);
      expect(refused(await subject.ask("PUT", `${subject.widgets}/a`, { ...given, metadata: { ...given.metadata, namespace: "default" } }))).toEqual([400, "BadRequest", "Status"]);
    },
  },
  {
    name: "A merge patch merges objects, replaces lists, and removes by null",
    async check(subject) {
      await created(subject, widget("a", { labels: { a: "1", b: "2" }, metrics: [{ name: "x" }, { name: "y" }], free: { deep: { a: 1, b: 2 } } }));
      const patch = { spec: { labels: { b: null, c: "3" }, metrics: [{ name: "z" }], free: { deep: { b: null } }, size: null } };
      const { body } = await subject.ask("PATCH", `${subject.widgets}/a`, patch, MERGE_PATCH);
      expect(body.spec).toEqual({
        release: "v1", mode: "enforce", size: 1, steps: [{ weight: 10, hold: "1m" }], labels: { a: "1", c: "3" }, metrics: [{ name: "z" }], free: { deep: { a: 1 } },
      });
    },
  },
  {
    name: "A JSON patch moves, copies, and counts the lists that it has changed itself",
    async check(subject) {
      await created(subject, widget("a", { free: { from: 1, list: [1, 2, 3] } }));
      const patch = [
        { op: "move", from: "/spec/free/from", path: "/spec/free/to" },
        { op: "copy", from: "/spec/free/list/0", path: "/spec/free/list/-" },
        { op: "remove", path: "/spec/free/list/1" },
        { op: "add", path: "/spec/free/list/1", value: 9 },
        { op: "test", path: "/spec/free/list", value: [1, 9, 3, 1] },
      ];
      const { status, body } = await subject.ask("PATCH", `${subject.widgets}/a`, patch, JSON_PATCH);
      expect([status, body.spec?.free]).toEqual([200, { list: [1, 9, 3, 1], to: 1 }]);
    },
  },
  {
    name: "Objects may be sent and asked for as YAML, and their metadata alone",
    async check({ ask, widgets, namespace }) {
      const text = "apiVersion: contract.weir.dev/v1\nkind: Widget\nmetadata: {name: a}\nspec: {release: v1, size: 2}\n";
      const made = await ask("POST", widgets, text, { "content-type": "application/yaml", accept: "application/yaml" });
      expect([made.status, made.body.text]).toEqual([201, expect.stringMatching(/^ {2}release: v1$/m)]);
      const { body } = await ask("GET", widgets, undefined, { accept: PARTIAL });
      const [item] = body.items as unknown as readonly Body[];
      expect([body.kind, item?.kind, item?.metadata?.name, item?.metadata?.namespace, item?.spec]).toEqual(["PartialObjectMetadataList", "PartialObjectMetadata", "a", namespace, undefined]);
    },
  },
  {
    name: "What cannot be read is refused with a Status: broken JSON, a list for an object, another type of text, a form that nobody has",
    async check({ ask, widgets }) {
      const broken = await ask("POST", widgets, "{");
      expect([...refused(broken), broken.body.message]).toEqual([400, "BadRequest", "Status", expect.stringContaining("couldn't get version/kind; json parse error: ")]);
      const list = await ask("POST", widgets, []);
      expect([...refused(list), list.body.message]).toEqual([400, "BadRequest", "Status", expect.stringContaining("couldn't get version/kind; json parse error: json: cannot unmarshal array")]);
      const plain = await ask("POST", widgets, "hello", { "content-type": "text/plain" });
      const types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
      expect([plain.status, plain.body.message]).toEqual([415, `the body of the request was in an unknown format - accepted media types include: ${types}`]);
      const html = await ask("GET", widgets, undefined, { accept: "text/html" });
      expect([html.status, html.body.message]).toEqual([406, `only the following media types are accepted: ${types}`]);
      expect(refused(await ask("PATCH", `${widgets}/a`, "[", JSON_PATCH))[0]).toBe(404); // nobody looks into a patch of what is not there
    },
  },
  {
    name: "Selectors and limits that cannot be read are refused, and numbers may be compared",
    async check(subject) {
      await created(subject, widget("a", {}, { labels: { size: "5" } }));
      const asked = (query: string): Promise<Answer> => subject.ask("GET", `${subject.widgets}?${query}`);
      expect(names(await asked("labelSelector=size%3E4,size%3C6"))).toEqual(["a"]);
      expect(names(await asked("labelSelector=size%3E5"))).toEqual([]);
      for (const text of ["a===b", "a inn (b)", "a in b", "(", "a=b,,"]) {
        const answer = await asked(`labelSelector=${encodeURIComponent(text)}`);
        expect([text, ...refused(answer)]).toEqual([text, 400, "BadRequest", "Status"]);
      }
      expect((await asked("fieldSelector=a")).body.message).toBe("invalid selector: 'a'; can't understand 'a'");
      expect((await asked("limit=x")).body.message).toBe('strconv.ParseInt: parsing "x": invalid syntax');
      expect((await asked("resourceVersion=x")).body.message).toContain("invalid resource version: ");
    },
  },
];

/** The revision and the token of a list's first two objects. */
async function firstChunk({ ask, widgets }: Subject): Promise<{ readonly revision: string; readonly next: string }> {
  const { metadata } = (await ask("GET", `${widgets}?limit=2`)).body;
  return { revision: String(metadata?.resourceVersion), next: encodeURIComponent(String(metadata?.continue)) };
}

/** Creates another widget once the watch has shown its first event; what the watch shows from then on. */
async function besides(subject: Subject, path: string, name: string): Promise<{ readonly beside?: Body; readonly seen: readonly ApiEvent[] }> {
  const seen: ApiEvent[] = [];
  let beside: Body | undefined;
  for await (const event of subject.watch(path, new AbortController().signal)) {
    if (beside) seen.push(event);
    else beside = await created(subject, widget(name));
  }
  return { seen, ...(beside && { beside }) };
}

export const revisions: readonly Behaviour[] = [
  {
    name: "A list may be of the very revision that was asked for, or not older than it, and never of the future",
    async check(subject) {
      await created(subject, widget("a"));
      const { body } = await subject.ask("GET", subject.widgets);
      await created(subject, widget("b"));
      await subject.ask("PATCH", `${subject.widgets}/a`, { spec: { size: 7 } }, MERGE_PATCH);
      const at = String(body.metadata?.resourceVersion);
      const exact = await subject.ask("GET", `${subject.widgets}?resourceVersion=${at}&resourceVersionMatch=Exact`);
      expect([exact.body.items, exact.body.metadata?.resourceVersion]).toEqual([body.items, at]);
      const newer = await subject.ask("GET", `${subject.widgets}?resourceVersion=${at}&resourceVersionMatch=NotOlderThan`);
      expect(Number(newer.body.metadata?.resourceVersion)).toBeGreaterThanOrEqual(Number(at));
      const unasked = await subject.ask("GET", `${subject.widgets}?resourceVersionMatch=Exact`);
      expect([unasked.status, unasked.body.message]).toEqual([422, expect.stringContaining("resourceVersionMatch is forbidden unless resourceVersion is provided")]);
      const future = await subject.ask("GET", `${subject.widgets}?resourceVersion=999999999`);
      expect([future.status, future.body.reason, future.body.details?.causes]).toEqual([504, "Timeout", [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }]]);
    },
  },
  {
    name: "After compaction the rest of a list is refused with 410, and a token to go on without one revision; so is a list of then",
    async check(subject) {
      for (const name of ["a", "b", "c", "d"]) await created(subject, widget(name));
      const { revision, next } = await firstChunk(subject);
      await created(subject, widget("e"));
      await subject.forgetHistory();
      const rest = `${subject.widgets}?limit=1&continue=${next}`;
      await until(async () => (await subject.ask("GET", rest)).status === 410, 20_000); // the real server hears of it a moment later
      const { body } = await subject.ask("GET", rest);
      expect([body.reason, body.message]).toEqual(["Expired", expect.stringContaining("The provided continue parameter is too old to display a consistent list result.")]);
      const onwards = await subject.ask("GET", `${subject.widgets}?limit=2&continue=${encodeURIComponent(String(body.metadata?.continue))}`);
      expect([names(onwards), onwards.body.metadata?.remainingItemCount]).toEqual([["c", "d"], 1]);
      expect(Number(onwards.body.metadata?.resourceVersion)).toBeGreaterThan(Number(revision));
      const then = await subject.ask("GET", `${subject.widgets}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
      expect([then.status, then.body.reason, then.body.message]).toEqual([410, "Expired", "The resourceVersion for the provided list is too old."]);
      expect(names(await subject.ask("GET", subject.widgets))).toEqual(["a", "b", "c", "d", "e"]);
    },
  },
  {
    name: "A watch that asked for bookmarks gets one before its time is over, not older than what has happened beside its selection",
    async check(subject) {
      const { metadata } = (await subject.ask("GET", subject.widgets)).body;
      await created(subject, widget("a"));
      const path = `${subject.widgets}?timeoutSeconds=5&fieldSelector=metadata.name%3Da&resourceVersion=${String(metadata?.resourceVersion)}`;
      const [quiet, marked] = await Promise.all([besides(subject, path, "b"), besides(subject, `${path}&allowWatchBookmarks=true`, "c")]);
      expect(quiet.seen).toEqual([]);
      expect(marked.seen.length).toBeGreaterThan(0);
      for (const { type, object } of marked.seen) {
        expect([type, object.kind, Object.keys(object.metadata)]).toEqual(["BOOKMARK", "Widget", ["resourceVersion"]]);
        expect(Number(object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(marked.beside?.metadata?.resourceVersion));
      }
    },
  },
  {
    name: "A watch may be of one name, of all namespaces, and of metadata alone",
    async check(subject) {
      await created(subject, widget("a", {}, { labels: { home: subject.namespace } }));
      await created(subject, widget("b", {}, { labels: { home: subject.namespace } }));
      expect((await events(subject, `${subject.widgets}?fieldSelector=metadata.name%3Db&timeoutSeconds=1`, Infinity)).map(([type, name]) => [type, name])).toEqual([["ADDED", "b"]]);
      expect((await events(subject, `${EVERYWHERE}?labelSelector=home%3D${subject.namespace}&timeoutSeconds=1`, Infinity)).map(([, name]) => name)).toEqual(["a", "b"]);
      const initial = await subject.ask("GET", `${subject.widgets}?watch=true&sendInitialEvents=true`);
      expect([initial.status, initial.body.message]).toEqual([422, expect.stringContaining("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]);
    },
  },
];

/** Every way to write, for a look only. */
const LOOKS: readonly (readonly [way: string, look: (subject: Subject, before: Body) => Promise<Answer>])[] = [
  ["merge patch", ({ ask, widgets }) => ask("PATCH", `${widgets}/a?dryRun=All`, { spec: { size: 9 } }, MERGE_PATCH)],
  ["JSON patch", ({ ask, widgets }) => ask("PATCH", `${widgets}/a?dryRun=All`, [{ op: "replace", path: "/spec/size", value: 9 }], JSON_PATCH)],
  ["apply", ({ ask, widgets }) => ask("PATCH", `${widgets}/a?dryRun=All&fieldManager=m&force=true`, { ...widget("a", { size: 9 }) }, APPLY_PATCH)],
  ["PUT", ({ ask, widgets }, before) => ask("PUT", `${widgets}/a?dryRun=All`, { ...before, spec: { ...before.spec, size: 9 } })],
];

export const doors: readonly Behaviour[] = [
  ...LOOKS.map(([way, look]): Behaviour => ({
    name: `A dry run by ${way} answers as the write would, and changes nothing`,
    async check(subject) {
      const before = await created(subject, widget("a"));
      const { status, body } = await look(subject, before);
      expect([status, body.spec?.size, body.metadata?.generation, body.metadata?.resourceVersion]).toEqual([200, 9, 2, before.metadata?.resourceVersion]);
      expect((await subject.ask("GET", `${subject.widgets}/a`)).body).toEqual(before);
    },
  })),
  {
    name: "A dry run is refused where the write would be, creates nothing by apply, deletes nothing, and knows one word",
    async check(subject) {
      const before = await created(subject, widget("a"));
      expect((await subject.ask("PATCH", `${subject.widgets}/a?dryRun=All`, { spec: { size: 101 } }, MERGE_PATCH)).status).toBe(422);
      const fresh = await subject.ask("PATCH", `${subject.widgets}/b?dryRun=All&fieldManager=m`, widget("b"), APPLY_PATCH);
      expect([fresh.status, fresh.body.metadata?.resourceVersion]).toEqual([201, undefined]);
      expect((await subject.ask("DELETE", `${subject.widgets}/a?dryRun=All`)).status).toBe(200);
      expect((await subject.ask("DELETE", `${subject.widgets}/a`, { kind: "DeleteOptions", apiVersion: "v1", dryRun: ["All"] })).status).toBe(200);
      expect(names(await subject.ask("GET", subject.widgets))).toEqual(["a"]);
      const word = await subject.ask("PATCH", `${subject.widgets}/a?dryRun=Some`, {}, MERGE_PATCH);
      expect([word.status, word.body.message]).toEqual([422, 'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"']);
      expect((await subject.ask("GET", `${subject.widgets}/a`)).body).toEqual(before);
    },
  },
  {
    name: "The status is put, patched and applied through its door, by owners of its own",
    async check(subject) {
      const before = await created(subject, widget("a"), "?fieldManager=m");
      const path = `${subject.widgets}/a/status`;
      const put = await subject.ask("PUT", `${path}?fieldManager=p`, { ...before, spec: { release: "v9" }, status: { phase: "A" } });
      expect([put.status, put.body.spec, put.body.status, put.body.metadata?.generation]).toEqual([200, before.spec, { phase: "A" }, 1]);
      const patched = await subject.ask("PATCH", `${path}?fieldManager=j`, [{ op: "test", path: "/status/phase", value: "A" }, { op: "add", path: "/status/weight", value: 5 }], JSON_PATCH);
      expect(patched.body.status).toEqual({ phase: "A", weight: 5 });
      const config = { ...widget("a"), spec: undefined, status: { phase: "B" } };
      const applied = await subject.ask("PATCH", `${path}?fieldManager=s`, config, APPLY_PATCH);
      expect([applied.status, applied.body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "p" with subresource "status" using contract.weir.dev/v1: .status.phase']);
      const forced = await subject.ask("PATCH", `${path}?fieldManager=s&force=true`, config, APPLY_PATCH);
      expect(owners(forced.body)).toEqual(
        expect.arrayContaining([
          ["s", "Apply", "status", { "f:status": { "f:phase": {} } }],
          ["j", "Update", "status", { "f:status": { "f:weight": {} } }],
        ]),
      );
      expect((await subject.ask("GET", path)).body.status).toEqual({ phase: "B", weight: 5 });
      expect((await subject.ask("DELETE", path)).status).toBe(405);
    },
  },
];
