/** The table: what clients of ours rely on, one behaviour per row. The real server's answers were there first. */
import { expect } from "vitest";
import { BAD_SPECS } from "../../support/bad-specs.ts";
import { until } from "../../support/until.ts";
import { causesOf, created, events, names, owners, RULES_NOT_CHECKED, timeOf, type Behaviour } from "./behaviour.ts";
import { builtins } from "./builtins.ts";
import { collections, doors, revisions } from "./collections.ts";
import { refusals } from "./refusals.ts";
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, type Answer, type Body, type Subject } from "./subject.ts";
import { widget } from "./widgets.ts";

const creation: readonly Behaviour[] = [
  {
    name: "A new object is given defaults, an identity and its owner, and loses what the schema does not know, with a warning",
    async check(subject) {
      const given = widget("a", { port: 80, junk: 1, free: { any: 1 }, metrics: [{ name: "x", max: 1 }], steps: [{ weight: 5 }] });
      const answer = await subject.ask("POST", `${subject.widgets}?fieldManager=m1`, given);
      expect(answer.status).toBe(201);
      expect(answer.headers.warning).toBe('299 - "unknown field \\"spec.junk\\""');
      expect(answer.body).toMatchObject({ metadata: { name: "a", namespace: subject.namespace, generation: 1 } });
      expect(answer.body.spec).toEqual({
        release: "v1", port: 80, mode: "enforce", size: 1, free: { any: 1 }, metrics: [{ name: "x", max: 1 }], steps: [{ weight: 5, hold: "1m" }],
      });
      const metrics = { ".": {}, 'k:{"name":"x"}': { ".": {}, "f:max": {}, "f:name": {} } };
      const fields = { ".": {}, "f:free": { ".": {}, "f:any": {} }, "f:metrics": metrics, "f:mode": {}, "f:port": {}, "f:release": {}, "f:size": {}, "f:steps": {} };
      expect(owners(answer.body)).toEqual([["m1", "Update", { "f:spec": fields }]]);
    },
  },
  {
    name: "A null stands for the default, or for nothing",
    async check(subject) {
      const { spec } = await created(subject, widget("a", { mode: null, stable: null, steps: null }));
      expect(spec).toEqual({ release: "v1", mode: "enforce", size: 1, steps: [{ weight: 10, hold: "1m" }] });
    },
  },
  {
    name: "Strict field validation refuses unknown fields by name, and Ignore says nothing",
    async check({ ask, widgets }) {
      const given = widget("a", { junk: 1, steps: [{ weigt: 1 }] }, { foo: 1 });
      const strict = await ask("POST", `${widgets}?fieldValidation=Strict`, given);
      expect(strict.status).toBe(400);
      for (const field of ["spec.junk", "spec.steps[0].weigt", "metadata.foo"]) expect(strict.body.message).toContain(`unknown field "${field}"`);
      const ignored = await ask("POST", `${widgets}?fieldValidation=Ignore`, given);
      expect([ignored.status, ignored.headers.warning]).toEqual([201, undefined]);
    },
  },
  {
    name: "A second object of the same name, one in no namespace, one of another kind and one without a name are refused",
    async check(subject) {
      await created(subject, widget("a"));
      const again = await subject.ask("POST", subject.widgets, widget("a"));
      expect([again.status, again.body.reason, again.body.message]).toEqual([409, "AlreadyExists", 'widgets.contract.weir.dev "a" already exists']);
      const nowhere = await subject.ask("POST", "/apis/contract.weir.dev/v1/namespaces/nowhere/widgets", widget("a"));
      expect([nowhere.status, nowhere.body.message]).toEqual([404, 'namespaces "nowhere" not found']);
      const other = await subject.ask("POST", subject.widgets, { ...widget("b"), kind: "Gadget" });
      expect([other.status, causesOf(other)]).toEqual([422, ['kind: Invalid value: "Gadget": must be Widget']]);
      const nameless = await subject.ask("POST", subject.widgets, { ...widget(""), metadata: {} });
      expect([nameless.status, causesOf(nameless)]).toEqual([422, [RULES_NOT_CHECKED, "metadata.name: Required value: name or generateName is required"]]);
    },
  },
  {
    name: "A dry run answers as the write would, and writes nothing",
    async check({ ask, widgets }) {
      const dry = await ask("POST", `${widgets}?dryRun=All`, widget("a"));
      expect([dry.status, dry.body.spec?.size, dry.body.metadata?.resourceVersion]).toEqual([201, 1, undefined]);
      expect((await ask("GET", `${widgets}/a`)).status).toBe(404);
    },
  },
];

const VALIDATIONS: readonly (readonly [fields: object, causes: readonly string[]])[] = [
  [{ release: undefined }, [RULES_NOT_CHECKED, "spec.release: Required value"]],
  [{ release: 3 }, [RULES_NOT_CHECKED, 'spec.release: Invalid value: "integer": spec.release in body must be of type string: "integer"']],
  [{ port: true }, [RULES_NOT_CHECKED, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"']],
  [{ mode: "foo" }, [RULES_NOT_CHECKED, 'spec.mode: Unsupported value: "foo": supported values: "enforce", "observe"']],
  [{ size: 101 }, ["spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100"]],
  [{ size: -1 }, ["spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0"]],
  [{ release: "3v" }, ["spec.release: Invalid value: \"3v\": spec.release in body should match '^[a-z]'"]],
  [{ release: "" }, ['spec.release: Invalid value: "": spec.release in body should be at least 1 chars long']],
  [{ release: "v".repeat(70) }, [RULES_NOT_CHECKED, "spec.release: Too long: may not be more than 63 bytes"]],
  [{ steps: Array.from({ length: 11 }, () => ({})) }, [RULES_NOT_CHECKED, "spec.steps: Too many: 11: must have at most 10 items"]],
  [{ metrics: [{ name: "a" }, { name: "a" }] }, ['spec.metrics[1]: Duplicate value: {"name":"a"}']],
  [{ metrics: [{}] }, [RULES_NOT_CHECKED, "spec.metrics[0].name: Required value"]],
  [{ stable: "v1" }, ["spec.stable: Forbidden: expected another version than v1"]],
  [{ interval: "10ms" }, ['spec.interval: Invalid value: "10ms": expected at least 1s']],
  [{ interval: "10ms", stable: "v1" }, ['spec.interval: Invalid value: "10ms": expected at least 1s', "spec.stable: Forbidden: expected another version than v1"]],
];

const validation: readonly Behaviour[] = [
  ...VALIDATIONS.map(([fields, causes]): Behaviour => ({
    name: `A widget with ${JSON.stringify(fields).slice(0, 60)} is refused for ${causes.at(-1)?.split(":")[0] ?? ""}`,
    async check({ ask, widgets }) {
      const answer = await ask("POST", widgets, widget("a", fields));
      expect([answer.status, answer.body.reason, causesOf(answer)]).toEqual([422, "Invalid", causes]);
    },
  })),
  {
    name: "A rule about the old value holds for changes only",
    async check(subject) {
      await created(subject, widget("a", { size: 5 }));
      const path = `${subject.widgets}/a`;
      const smaller = await subject.ask("PATCH", path, { spec: { release: "v2", size: 4 } }, MERGE_PATCH);
      expect([smaller.status, causesOf(smaller)]).toEqual([422, ["spec: Invalid value: size must not shrink with a new release"]]);
      expect((await subject.ask("PATCH", path, { spec: { size: 4 } }, MERGE_PATCH)).status).toBe(200);
    },
  },
  {
    name: "What was stored before a definition grew stricter does not stop other writes",
    async check({ ask, namespace }) {
      const plural = `p${namespace.replaceAll("-", "")}`; // a definition of its own
      const property = (limits: object): object => ({ type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer", ...limits }, other: { type: "integer" } } }, status: { type: "object", properties: { phase: { type: "string" } } } } });
      const definition = (limits: object): object => ({
        apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: `${plural}.stricter.weir.dev` },
        spec: {
          group: "stricter.weir.dev", scope: "Namespaced", names: { plural, kind: `P${plural}` },
          versions: [{ name: "v1", served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: property(limits) } }],
        },
      });
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      const path = `/apis/stricter.weir.dev/v1/namespaces/${namespace}/${plural}`;
      const object = (size: number): object => ({ apiVersion: "stricter.weir.dev/v1", kind: `P${plural}`, metadata: { name: "a" }, spec: { size } });
      expect((await ask("POST", definitions, definition({}))).status).toBe(201);
      await until(async () => (await ask("POST", path, object(9))).status === 201);
      const stricter = { maximum: 5, "x-kubernetes-validations": [{ rule: "self < 5", message: "expected less than 5" }] };
      await ask("PATCH", `${definitions}/${plural}.stricter.weir.dev`, definition(stricter), MERGE_PATCH);
      await until(async () => (await ask("POST", `${path}?dryRun=All`, { ...object(9), metadata: { name: "b" } })).status === 422);
      expect((await ask("PATCH", `${path}/a/status`, { status: { phase: "Healthy" } }, MERGE_PATCH)).status).toBe(200);
      expect((await ask("PATCH", `${path}/a`, { spec: { other: 1 } }, MERGE_PATCH)).status).toBe(200);
      expect((await ask("PATCH", `${path}/a`, { spec: { size: 8 } }, MERGE_PATCH)).status).toBe(422);
      expect((await ask("DELETE", `${definitions}/${plural}.stricter.weir.dev`)).status).toBe(200);
    },
  },
  ...BAD_SPECS.map(({ name, spec, sentences }): Behaviour => ({
    name: `A Rollout is refused in our words: ${name}`,
    async check({ ask, namespace }) {
      const rollout = { apiVersion: "weir.dev/v1alpha1", kind: "Rollout", metadata: { name: "bad" }, spec };
      const answer = await ask("POST", `/apis/weir.dev/v1alpha1/namespaces/${namespace}/rollouts?dryRun=All`, rollout);
      // Beside our sentence, the server has its own word about list keys.
      const ours = causesOf(answer).filter((cause) => !cause.includes(": Duplicate value"));
      expect(ours.map((cause) => cause.replace(/: Invalid value: (?:.*?: )??(?=expected )/s, ": ")).sort()).toEqual([...sentences].sort());
    },
  })),
];

const writes: readonly Behaviour[] = [
  {
    name: "A stale resourceVersion is a conflict, in a merge patch, a JSON patch and a PUT, and nothing is written",
    async check(subject) {
      const old = await created(subject, widget("a"));
      const path = `${subject.widgets}/a`;
      const fresh = (await subject.ask("PATCH", path, { spec: { size: 2 } }, MERGE_PATCH)).body;
      const resourceVersion = old.metadata?.resourceVersion;
      const stale = [
        await subject.ask("PATCH", path, { metadata: { resourceVersion }, spec: { size: 3 } }, MERGE_PATCH),
        await subject.ask("PATCH", path, [{ op: "replace", path: "/metadata/resourceVersion", value: resourceVersion }], JSON_PATCH),
        await subject.ask("PUT", path, { ...old, spec: { ...old.spec, size: 3 } }),
      ];
      const message = 'Operation cannot be fulfilled on widgets.contract.weir.dev "a": the object has been modified; please apply your changes to the latest version and try again';
      for (const answer of stale) expect([answer.status, answer.body.reason, answer.body.message]).toEqual([409, "Conflict", message]);
      expect((await subject.ask("GET", path)).body).toEqual(fresh);
    },
  },
  {
    name: "A JSON patch whose test fails, or that does not fit, is refused with 422 and few words, and nothing is written",
    async check(subject) {
      const before = await created(subject, widget("a"));
      const path = `${subject.widgets}/a`;
      const refused = [
        [{ op: "test", path: "/spec/size", value: 5 }, { op: "replace", path: "/spec/size", value: 8 }],
        [{ op: "test", path: "/metadata/resourceVersion", value: "1" }],
        [{ op: "test", path: "/spec/nope", value: "1" }],
        [{ op: "test", path: "/metadata/annotations/absent", value: null }], // there are no annotations at all
        [{ op: "test", path: "/spec/steps/7", value: null }],
        [{ op: "add", path: "/metadata/annotations/new", value: "x" }],
        [{ op: "remove", path: "/spec/nope" }],
        [{ op: "add", path: "/spec/nope/deep", value: 1 }],
        [{ op: "replace", path: "/spec/steps/9/weight", value: 1 }],
      ];
      for (const patch of refused) {
        const { status, body } = await subject.ask("PATCH", path, patch, JSON_PATCH);
        const said = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", reason: "Invalid", details: {}, code: 422 };
        expect([status, body]).toEqual([422, { ...said, message: "the server rejected our request due to an error in our request" }]);
      }
      expect((await subject.ask("GET", path)).body).toEqual(before);
    },
  },
  {
    name: "A JSON patch whose tests hold is written as a whole",
    async check(subject) {
      const { metadata } = await created(subject, widget("a", { metrics: [{ name: "x" }] }));
      const patch = [
        { op: "test", path: "/metadata/resourceVersion", value: metadata?.resourceVersion },
        { op: "test", path: "/spec/metrics/0", value: { name: "x" } },
        { op: "test", path: "/spec/stable", value: null }, // absent
        { op: "replace", path: "/spec/size", value: 7 },
        { op: "add", path: "/metadata/annotations", value: { "a/b": "c" } },
        { op: "replace", path: "/metadata/annotations/a~1b", value: "d" },
        { op: "add", path: "/spec/metrics/-", value: { name: "y" } },
      ];
      const { status, body } = await subject.ask("PATCH", `${subject.widgets}/a`, patch, JSON_PATCH);
      expect([status, body.spec?.size, body.spec?.metrics, body.metadata?.annotations]).toEqual([200, 7, [{ name: "x" }, { name: "y" }], { "a/b": "d" }]);
    },
  },
  {
    name: "The status is written through its own door, and neither door writes what belongs to the other",
    async check(subject) {
      const path = `${subject.widgets}/a`;
      const given = await created(subject, { ...widget("a"), status: { phase: "Early" } });
      expect(given.status).toBeUndefined();
      const status = await subject.ask("PATCH", `${path}/status?fieldManager=daemon`, { metadata: { labels: { a: "b" } }, spec: { size: 9 }, status: { phase: "Healthy" } }, MERGE_PATCH);
      expect([status.body.status, status.body.spec, status.body.metadata?.labels, status.body.metadata?.generation]).toEqual([{ phase: "Healthy" }, given.spec, undefined, 1]);
      expect(owners(status.body)).toContainEqual(["daemon", "Update", "status", { "f:status": { ".": {}, "f:phase": {} } }]);
      const spec = await subject.ask("PATCH", path, { spec: { size: 2 }, status: { phase: "Wrong" } }, MERGE_PATCH);
      expect([spec.body.status, spec.body.metadata?.generation]).toEqual([{ phase: "Healthy" }, 2]);
      expect((await subject.ask("PATCH", path, { metadata: { labels: { a: "b" } } }, MERGE_PATCH)).body.metadata?.generation).toBe(2);
    },
  },
  {
    name: "A write that changes nothing leaves everything as it is",
    async check(subject) {
      const before = await created(subject, widget("a"));
      const path = `${subject.widgets}/a`;
      const merged = await subject.ask("PATCH", `${path}?fieldManager=another`, { spec: { size: 1 } }, MERGE_PATCH);
      const put = await subject.ask("PUT", `${path}?fieldManager=another`, before);
      expect([merged.body, put.body]).toEqual([before, before]);
    },
  },
  {
    name: "A manager takes the fields that it changes, and its time is that of its last change",
    async check(subject) {
      const path = `${subject.widgets}/a`;
      const change = async (manager: string, size: number): Promise<Body> =>
        (await subject.ask("PATCH", `${path}?fieldManager=${manager}`, { spec: { size } }, MERGE_PATCH)).body;
      await created(subject, widget("a"), "?fieldManager=first");
      const taken = await change("second", 2);
      expect(owners(taken)).toEqual([
        ["first", "Update", { "f:spec": { ".": {}, "f:mode": {}, "f:release": {}, "f:steps": {} } }],
        ["second", "Update", { "f:spec": { "f:size": {} } }],
      ]);
      const at = timeOf(taken, "second");
      await until(() => Date.now() > Date.parse(String(at)) + 1_000); // times have whole seconds
      expect(timeOf(await change("second", 2), "second")).toBe(at);
      const later = await change("second", 3);
      expect(Date.parse(String(timeOf(later, "second")))).toBeGreaterThan(Date.parse(String(at)));
      expect(timeOf(later, "first")).toBe(timeOf(taken, "first"));
    },
  },
  {
    name: "Labels that are no texts, another name and a change of the uid are refused",
    async check(subject) {
      await created(subject, widget("a"));
      const path = `${subject.widgets}/a`;
      const labelled = await subject.ask("POST", subject.widgets, widget("b", {}, { labels: { a: 1 } }));
      expect([labelled.status, labelled.body.reason]).toEqual([400, "BadRequest"]);
      const renamed = await subject.ask("PATCH", path, { metadata: { name: "z" } }, MERGE_PATCH);
      expect([renamed.status, renamed.body.message]).toEqual([400, "the name of the object (z) does not match the name on the URL (a)"]);
      const other = await subject.ask("PATCH", path, { metadata: { uid: "x" } }, MERGE_PATCH);
      expect([other.status, other.body.message]).toEqual([422, 'Widget.contract.weir.dev "a" is invalid: metadata.uid: Invalid value: "x": field is immutable']);
      const strategic = await subject.ask("PATCH", path, {}, { "content-type": "application/strategic-merge-patch+json" });
      expect([strategic.status, strategic.body.reason]).toEqual([415, "UnsupportedMediaType"]);
    },
  },
];

/** Applies a widget's spec and metadata as a manager, by force or not. */
async function applied({ ask, widgets }: Subject, manager: string, fields: object, query = ""): Promise<Answer> {
  const config = { apiVersion: "contract.weir.dev/v1", kind: "Widget", metadata: { name: "s" }, spec: fields };
  return ask("PATCH", `${widgets}/s?fieldManager=${manager}${query}`, config, APPLY_PATCH);
}

const item = (name: string): object => ({ [`k:{"name":"${name}"}`]: { ".": {}, "f:max": {}, "f:name": {} } });

const apply: readonly Behaviour[] = [
  {
    name: "Apply creates, owns what was applied, shares what is equal, and takes away what is no longer named",
    async check(subject) {
      const first = await applied(subject, "alice", { release: "v3", metrics: [{ name: "x", max: 1 }] });
      expect([first.status, first.body.spec?.mode]).toEqual([201, "enforce"]);
      expect(owners(first.body)).toEqual([["alice", "Apply", { "f:spec": { "f:metrics": item("x"), "f:release": {} } }]]);
      const shared = await applied(subject, "bob", { release: "v3", metrics: [{ name: "y", max: 2 }] });
      expect([shared.status, shared.body.spec?.metrics]).toEqual([200, [{ name: "x", max: 1 }, { name: "y", max: 2 }]]);
      const same = await applied(subject, "bob", { release: "v3", metrics: [{ name: "y", max: 2 }] });
      expect(same.body).toEqual(shared.body);
      const dropped = await applied(subject, "bob", { release: "v3" });
      expect([dropped.body.spec?.metrics, dropped.body.metadata?.generation]).toEqual([[{ name: "x", max: 1 }], 3]);
    },
  },
  {
    name: "Apply takes its own labels away, leaves the name alone, and puts new items where the configuration has them",
    async check(subject) {
      const config = (metadata: object, metrics: readonly string[]): object => ({
        apiVersion: "contract.weir.dev/v1", kind: "Widget", metadata: { name: "s", ...metadata }, spec: { release: "v1", metrics: metrics.map((name) => ({ name })) },
      });
      const send = (manager: string, given: object): Promise<Answer> => subject.ask("PATCH", `${subject.widgets}/s?fieldManager=${manager}`, given, APPLY_PATCH);
      await send("bob", config({}, ["y", "z"]));
      const labelled = await send("alice", config({ labels: { a: "b" } }, ["x", "z"]));
      expect([labelled.body.metadata?.labels, labelled.body.spec?.metrics]).toEqual([{ a: "b" }, [{ name: "y" }, { name: "x" }, { name: "z" }]]);
      const bare = await send("alice", config({}, ["x", "z"]));
      expect([bare.status, bare.body.metadata?.name, bare.body.metadata?.labels]).toEqual([200, "s", undefined]);
    },
  },
  {
    name: "Apply names every field that another manager holds, and takes them by force",
    async check(subject) {
      await applied(subject, "alice", { release: "v3", metrics: [{ name: "x", max: 1 }] });
      const one = await applied(subject, "bob", { release: "v4" });
      expect([one.status, one.body.reason, one.body.message]).toEqual([409, "Conflict", 'Apply failed with 1 conflict: conflict with "alice": .spec.release']);
      const two = await applied(subject, "bob", { release: "v4", metrics: [{ name: "x", max: 2 }] });
      expect(two.body.message).toBe('Apply failed with 2 conflicts: conflicts with "alice":\n- .spec.release\n- .spec.metrics[name="x"].max');
      expect(causesOf(two)).toEqual(['.spec.metrics[name="x"].max: conflict with "alice"', '.spec.release: conflict with "alice"']);
      const forced = await applied(subject, "bob", { release: "v4" }, "&force=true");
      expect(owners(forced.body)).toEqual([
        ["alice", "Apply", { "f:spec": { "f:metrics": item("x") } }],
        ["bob", "Apply", { "f:spec": { "f:release": {} } }],
      ]);
      await subject.ask("PATCH", `${subject.widgets}/s?fieldManager=carl`, { spec: { release: "v5" } }, MERGE_PATCH);
      const updated = await applied(subject, "bob", { release: "v4" });
      expect(updated.body.message).toBe('Apply failed with 1 conflict: conflict with "carl" using contract.weir.dev/v1: .spec.release');
    },
  },
  {
    name: "Apply needs a manager, takes no managedFields and knows no unknown field",
    async check(subject) {
      const unnamed = await applied(subject, "", { release: "v3" });
      expect([unnamed.status, causesOf(unnamed)]).toEqual([422, ["fieldManager: Required value: is required for apply patch"]]);
      const junk = await applied(subject, "alice", { release: "v3", junk: 1 });
      expect([junk.status, junk.body.message]).toEqual([500, expect.stringContaining(".spec.junk: field not declared in schema")]);
      const config = { ...widget("s"), metadata: { name: "s", managedFields: [{ manager: "x" }] } };
      const managed = await subject.ask("PATCH", `${subject.widgets}/s?fieldManager=alice`, config, APPLY_PATCH);
      expect([managed.status, managed.body.message]).toEqual([400, "metadata.managedFields must be nil"]);
    },
  },
  {
    name: "The routes of a VirtualService have one owner as a whole",
    async check({ ask, namespace }) {
      const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
      const route = (weight: number): object => ({
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: "reviews" },
        spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews", subset: "v2" }, weight }, { destination: { host: "reviews", subset: "v3" }, weight: 100 - weight }] }] },
      });
      const first = await ask("PATCH", `${path}/reviews?fieldManager=gitops`, route(90), APPLY_PATCH);
      expect([first.status, owners(first.body)]).toEqual([201, [["gitops", "Apply", { "f:spec": { "f:hosts": {}, "f:http": {} } }]]]);
      const patch = [{ op: "test", path: "/spec/http/0/route/0/weight", value: 90 }, { op: "replace", path: "/spec/http/0/route/0/weight", value: 50 }];
      const moved = await ask("PATCH", `${path}/reviews?fieldManager=weir`, patch, JSON_PATCH);
      expect(owners(moved.body)).toEqual([
        ["gitops", "Apply", { "f:spec": { "f:hosts": {} } }],
        ["weir", "Update", { "f:spec": { "f:http": {} } }],
      ]);
      const again = await ask("PATCH", `${path}/reviews?fieldManager=gitops`, route(90), APPLY_PATCH);
      expect(again.body.message).toBe('Apply failed with 1 conflict: conflict with "weir" using networking.istio.io/v1: .spec.http');
      const older = await ask("GET", `/apis/networking.istio.io/v1beta1/namespaces/${namespace}/virtualservices/reviews`);
      expect([older.body.apiVersion, older.body.spec]).toEqual(["networking.istio.io/v1beta1", moved.body.spec]);
    },
  },
  ...["HTTPRoute", "GRPCRoute"].map((kind): Behaviour => ({
    name: `The rules of a route have one owner as a whole, and its references are made whole: ${kind}`,
    async check({ ask, namespace }) {
      const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${kind.toLowerCase()}s/reviews`;
      const matches = [{ headers: [{ type: "Exact", name: "end-user", value: "jason" }], ...(kind === "HTTPRoute" && { path: { type: "PathPrefix", value: "/" } }) }];
      const route = (references: readonly object[]): object => ({
        apiVersion: "gateway.networking.k8s.io/v1",
        kind,
        metadata: { name: "reviews" },
        spec: { parentRefs: [{ group: "", kind: "Service", name: "reviews", port: 9080 }], rules: [{ matches, backendRefs: references }] },
      });
      const first = await ask("PATCH", `${path}?fieldManager=gitops`, route([{ name: "v2", port: 9080 }, { name: "v3", port: 9080, weight: 0 }]), APPLY_PATCH);
      expect([first.status, owners(first.body)]).toEqual([201, [["gitops", "Apply", { "f:spec": { "f:parentRefs": {}, "f:rules": {} } }]]]);
      const whole = { group: "", kind: "Service", port: 9080 };
      expect(first.body.spec).toMatchObject({ rules: [{ matches, backendRefs: [{ ...whole, name: "v2", weight: 1 }, { ...whole, name: "v3", weight: 0 }] }] });
      const patch = [{ op: "test", path: "/spec/rules/0/backendRefs/0/weight", value: 1 }, { op: "replace", path: "/spec/rules/0/backendRefs/0/weight", value: 90 }];
      const moved = await ask("PATCH", `${path}?fieldManager=weir`, patch, JSON_PATCH);
      expect(owners(moved.body)).toEqual([
        ["gitops", "Apply", { "f:spec": { "f:parentRefs": {} } }],
        ["weir", "Update", { "f:spec": { "f:rules": {} } }],
      ]);
      const again = await ask("PATCH", `${path}?fieldManager=gitops`, route([{ name: "v2", port: 9080 }]), APPLY_PATCH);
      expect(again.body.message).toBe('Apply failed with 1 conflict: conflict with "weir" using gateway.networking.k8s.io/v1: .spec.rules');
      const negative = await ask("PATCH", path, { spec: { rules: [{ backendRefs: [{ name: "v2", port: 9080, weight: -1 }] }] } }, MERGE_PATCH);
      expect([negative.status, negative.body.message]).toEqual([422, expect.stringContaining("should be greater than or equal to 0")]);
    },
  })),
];

const deletion: readonly Behaviour[] = [
  {
    name: "An object without finalizers is gone at once, and its uid is told",
    async check(subject) {
      const { metadata } = await created(subject, widget("a"));
      const path = `${subject.widgets}/a`;
      const other = await subject.ask("DELETE", path, { preconditions: { uid: "another" } });
      expect([other.status, other.body.reason]).toEqual([409, "Conflict"]);
      const { status, body } = await subject.ask("DELETE", path);
      expect([status, body.status, body.details]).toEqual([200, "Success", { name: "a", group: "contract.weir.dev", kind: "widgets", uid: metadata?.uid }]);
      const gone = await subject.ask("GET", path);
      expect([gone.status, gone.body.reason, gone.body.message]).toEqual([404, "NotFound", 'widgets.contract.weir.dev "a" not found']);
      expect((await subject.ask("DELETE", path)).status).toBe(404);
    },
  },
  {
    name: "An object with a finalizer waits for it, takes no new ones, and goes with the last",
    async check(subject) {
      await created(subject, widget("a", {}, { finalizers: ["weir.dev/traffic"] }));
      const path = `${subject.widgets}/a`;
      const waiting = (await subject.ask("DELETE", path)).body;
      expect(waiting.metadata).toMatchObject({ deletionTimestamp: expect.any(String) as unknown, deletionGracePeriodSeconds: 0, generation: 2 });
      const again = (await subject.ask("DELETE", path)).body;
      expect(again.metadata?.resourceVersion).toBe(waiting.metadata?.resourceVersion);
      const more = await subject.ask("PATCH", path, { metadata: { finalizers: ["weir.dev/traffic", "weir.dev/more"] } }, MERGE_PATCH);
      expect(more.status).toBe(422);
      const changed = await subject.ask("PATCH", path, { spec: { size: 3 } }, MERGE_PATCH);
      expect([changed.status, changed.body.spec?.size]).toEqual([200, 3]);
      const last = await subject.ask("PATCH", path, { metadata: { finalizers: null } }, MERGE_PATCH);
      expect([last.status, last.body.metadata?.finalizers]).toEqual([200, undefined]);
      expect((await subject.ask("GET", path)).status).toBe(404);
    },
  },
];

const lists: readonly Behaviour[] = [
  {
    name: "A list in chunks shows one revision, whatever happens meanwhile",
    async check(subject) {
      for (const name of ["a", "b", "c"]) await created(subject, widget(name));
      const first = await subject.ask("GET", `${subject.widgets}?limit=2`);
      expect([names(first), first.body.metadata?.remainingItemCount]).toEqual([["a", "b"], 1]);
      await created(subject, widget("d"));
      await subject.ask("DELETE", `${subject.widgets}/c`);
      const next = await subject.ask("GET", `${subject.widgets}?limit=2&continue=${encodeURIComponent(String(first.body.metadata?.continue))}`);
      expect([names(next), next.body.metadata?.continue, next.body.metadata?.resourceVersion]).toEqual([["c"], "", first.body.metadata?.resourceVersion]);
      const broken = await subject.ask("GET", `${subject.widgets}?limit=2&continue=abc`);
      expect([broken.status, broken.body.reason]).toEqual([400, "BadRequest"]);
    },
  },
  {
    name: "Lists are selected by labels and by fields, and unknown fields are refused",
    async check(subject) {
      await created(subject, widget("a", {}, { labels: { app: "x", tier: "1" } }));
      await created(subject, widget("b", {}, { labels: { app: "y" } }));
      const selected = async (query: string): Promise<readonly string[]> => names(await subject.ask("GET", `${subject.widgets}?${query}`));
      expect(await selected("labelSelector=app%3Dx")).toEqual(["a"]);
      expect(await selected("labelSelector=app!%3Dx")).toEqual(["b"]);
      expect(await selected("labelSelector=app%20in%20(x,y),!tier")).toEqual(["b"]);
      expect(await selected("labelSelector=tier%20notin%20(2)")).toEqual(["a", "b"]);
      expect(await selected("labelSelector=tier")).toEqual(["a"]);
      expect(await selected("fieldSelector=metadata.name%3Db")).toEqual(["b"]);
      const unknown = await subject.ask("GET", `${subject.widgets}?fieldSelector=spec.size%3D1`);
      expect([unknown.status, unknown.body.message]).toEqual([400, "field label not supported: spec.size"]);
    },
  },
  {
    name: "Items of built-in kinds do not say their kind in a list, those of others do",
    async check(subject) {
      await created(subject, widget("a"));
      await subject.ask("POST", `/api/v1/namespaces/${subject.namespace}/configmaps`, { metadata: { name: "a" }, data: { a: "b" } });
      const own = (await subject.ask("GET", subject.widgets)).body.items as unknown as readonly Body[];
      const builtin = (await subject.ask("GET", `/api/v1/namespaces/${subject.namespace}/configmaps`)).body.items as unknown as readonly Body[];
      expect([own[0]?.kind, builtin.find(({ data }) => data?.a)?.kind]).toEqual(["Widget", undefined]);
    },
  },
  {
    name: "A table has the columns of the definition",
    async check(subject) {
      await created(subject, widget("a"));
      await subject.ask("PATCH", `${subject.widgets}/a/status`, { status: { phase: "Healthy", weight: 10, conditions: [{ type: "Ready", status: "True" }] } }, MERGE_PATCH);
      const { body } = await subject.ask("GET", subject.widgets, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
      const columns = body.columnDefinitions as unknown as readonly { name: string; type: string; priority: number }[];
      expect(columns.map(({ name, type, priority }) => [name, type, priority])).toEqual([
        ["Name", "string", 0], ["Phase", "string", 0], ["Weight", "integer", 0], ["Ready", "string", 1], ["Age", "date", 0],
      ]);
      const [row] = body.rows as unknown as readonly { cells: readonly unknown[]; object: Body }[];
      expect(row?.cells).toEqual(["a", "Healthy", 10, "True", expect.stringMatching(/^\d+s$/)]);
      expect([row?.object.kind, row?.object.spec]).toEqual(["PartialObjectMetadata", undefined]);
    },
  },
  {
    name: "Events are kept in the namespace of what they are about, and are found by it",
    async check({ ask, namespace }) {
      const path = `/api/v1/namespaces/${namespace}/events`;
      const event = (name: string, about: object): object => ({ metadata: { name }, involvedObject: { kind: "Widget", name: "a", namespace, ...about }, reason: "R", message: "m", type: "Normal" });
      expect((await ask("POST", path, event("e1", {}))).status).toBe(201);
      expect((await ask("POST", path, event("e2", { name: "b" }))).status).toBe(201);
      const elsewhere = await ask("POST", path, event("e3", { namespace: "default" }));
      expect(causesOf(elsewhere)).toEqual(['involvedObject.namespace: Invalid value: "default": does not match event.namespace']);
      expect(names(await ask("GET", `${path}?fieldSelector=involvedObject.name%3Da,involvedObject.kind%3DWidget`))).toEqual(["e1"]);
    },
  },
];

const watches: readonly Behaviour[] = [
  {
    name: "A watch goes on from a list's revision, in order, with every change",
    async check(subject) {
      await created(subject, widget("before"));
      const { body } = await subject.ask("GET", subject.widgets);
      await created(subject, widget("a"));
      await subject.ask("PATCH", `${subject.widgets}/a`, { spec: { size: 2 } }, MERGE_PATCH);
      await subject.ask("DELETE", `${subject.widgets}/a`);
      const seen = await events(subject, `${subject.widgets}?resourceVersion=${String(body.metadata?.resourceVersion)}`, 3);
      expect(seen.map(([type, name]) => [type, name])).toEqual([["ADDED", "a"], ["MODIFIED", "a"], ["DELETED", "a"]]);
      const versions = seen.map(([, , object]) => Number(object.metadata?.resourceVersion));
      expect(versions).toEqual([...versions].sort((one, other) => one - other));
    },
  },
  {
    name: "An object that leaves the selection is DELETED for that watch, one that enters is ADDED",
    async check(subject) {
      const { metadata } = await created(subject, widget("a"));
      const label = (color: string): Promise<Answer> => subject.ask("PATCH", `${subject.widgets}/a`, { metadata: { labels: { color } } }, MERGE_PATCH);
      await label("red");
      await label("blue");
      const seen = await events(subject, `${subject.widgets}?labelSelector=color%3Dred&resourceVersion=${String(metadata?.resourceVersion)}`, 2);
      expect(seen.map(([type, , object]) => [type, object.metadata?.labels?.color])).toEqual([["ADDED", "red"], ["DELETED", "red"]]);
    },
  },
  {
    name: "A watch from the beginning shows what there is, and a bookmark says when that was all",
    async check(subject) {
      await created(subject, widget("a"));
      for (const query of ["allowWatchBookmarks=true", "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"]) {
        const [added, bookmark] = await events(subject, `${subject.widgets}?${query}`, 2);
        expect([added?.[0], added?.[1], bookmark?.[0]]).toEqual(["ADDED", "a", "BOOKMARK"]);
        expect(bookmark?.[2].metadata?.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
      }
    },
  },
  {
    name: "A watch from a forgotten revision is told so with 410",
    async check(subject) {
      const [[type, , object] = []] = await events(subject, `${subject.widgets}?resourceVersion=1`, 1);
      expect([type, object?.code, object?.reason]).toEqual(["ERROR", 410, "Expired"]);
    },
  },
  {
    name: "A watch ends in good order after the time that was asked for",
    async check(subject) {
      const { body } = await subject.ask("GET", subject.widgets);
      const path = `${subject.widgets}?timeoutSeconds=1&resourceVersion=${String(body.metadata?.resourceVersion)}`;
      expect(await events(subject, path, Infinity)).toEqual([]);
    },
  },
];

const discovery: readonly Behaviour[] = [
  {
    name: "A defined kind is discovered, one by one and aggregated",
    async check({ ask }) {
      const resources = (await ask("GET", "/apis/contract.weir.dev/v1")).body.resources as unknown as readonly Body[];
      expect(resources.map(({ name, kind, namespaced }) => [name, kind, namespaced])).toEqual([["widgets", "Widget", true], ["widgets/status", "Widget", true]]);
      const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
      const { body } = await ask("GET", "/apis", undefined, { accept });
      const groups = body.items as unknown as readonly { metadata: { name: string }; versions: readonly { resources: readonly Body[] }[] }[];
      const own = groups.find(({ metadata }) => metadata.name === "contract.weir.dev");
      expect(own?.versions[0]?.resources[0]).toMatchObject({ resource: "widgets", scope: "Namespaced", singularResource: "widget", shortNames: ["wdg"] });
    },
  },
  {
    name: "OpenAPI describes a defined kind, and that its writes check fields",
    async check({ ask }) {
      const document = async (): Promise<Body> => {
        const { paths } = (await ask("GET", "/openapi/v3")).body;
        return (await ask("GET", String(paths?.["apis/contract.weir.dev/v1"]?.serverRelativeURL))).body;
      };
      await until(async () => (await document()).components?.schemas?.["dev.weir.contract.v1.Widget"]); // the real server needs a moment
      const body = await document();
      const schema = body.components?.schemas?.["dev.weir.contract.v1.Widget"];
      expect([schema?.["x-kubernetes-group-version-kind"], schema?.properties?.spec?.description]).toEqual([
        [{ group: "contract.weir.dev", version: "v1", kind: "Widget" }],
        "What is wanted.",
      ]);
      const patch = body.paths?.["/apis/contract.weir.dev/v1/namespaces/{namespace}/widgets/{name}"]?.patch?.parameters as unknown as readonly Body[];
      expect(patch.map(({ name }) => name)).toEqual(expect.arrayContaining(["dryRun", "fieldManager", "fieldValidation"]));
    },
  },
  {
    name: "What is not served is not found, without a Status object",
    async check({ ask }) {
      for (const path of ["/foo", "/apis/foo.dev/v1", "/apis/contract.weir.dev/v1/namespaces/default/gadgets"]) {
        const { status, body } = await ask("GET", path);
        expect([status, body.text]).toEqual([404, "404 page not found\n"]);
      }
    },
  },
  {
    name: "The server is ready and says its version, and admins may do what they ask for",
    async check({ ask }) {
      expect((await ask("GET", "/readyz")).body.text).toBe("ok");
      expect((await ask("GET", "/version")).body).toMatchObject({ major: "1", minor: "36" });
      const review = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "patch", group: "weir.dev", resource: "rollouts" } },
      });
      expect([review.status, review.body.status]).toEqual([201, expect.objectContaining({ allowed: true })]);
    },
  },
];

export const BEHAVIOURS: readonly Behaviour[] = [
  ...creation, ...validation, ...writes, ...apply, ...deletion, ...doors, ...lists, ...collections, ...watches, ...revisions, ...discovery, ...builtins, ...refusals,
];
