import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type DescribedResource, resourcesRequest } from "@unknot/protocol/described-resource.ts";
import { seenNotification } from "@unknot/protocol/seen.ts";
import { type TestProject, testProject } from "@unknot/server/program/testing/project.ts";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import type { ClientCapabilities, Diagnostic, Hover } from "vscode-languageserver";
import {
  type ClientOptions,
  fullCapabilities,
  isGone,
  startClient,
  type TestClient,
  uriOf,
} from "./client.ts";

const save = `async function save(): Promise<void> {
  await fetch("https://example.org");
}
`;
const wrong = `${save}export function run(): void {\n  save();\n}\n`;
const right = `${save}export async function run(): Promise<void> {\n  await save();\n}\n`;
/** Where 'save' is called in `wrong`. */
const place = { start: { line: 4, character: 2 }, end: { line: 4, character: 6 } };

describe("language server", () => {
  const toDispose: (() => unknown)[] = [];
  afterEach(async () => {
    for (const dispose of toDispose.splice(0).reverse()) await dispose();
  });

  const write = (
    files: Readonly<Record<string, string>>,
    dependencies: readonly string[] = [],
  ): TestProject => {
    const project = testProject(files, { dependencies });
    toDispose.push(project.dispose);
    return project;
  };
  const start = async (project: TestProject, options: Partial<ClientOptions> = {}): Promise<TestClient> => {
    const client = await startClient({ folders: [project.folder], ...options });
    toDispose.push(() => client.stop());
    return client;
  };
  const rulesOf = (diagnostics: readonly Diagnostic[]) => diagnostics.map(({ code }) => code);
  /** A client with one open document, `a.ts`. */
  const one = async (text: string, options: Partial<ClientOptions> = {}) => {
    const project = write({ "tsconfig.json": "{}", "a.ts": right });
    const client = await start(project, options);
    const uri = uriOf(project.path("a.ts"));
    await client.open(uri, text);
    return { project, client, uri };
  };

  it("shows a finding with its place, rule, path and link, and takes it back when the code is mended", async () => {
    const { client, uri } = await one(wrong, {
      initializationOptions: { rulePages: "https://rules.example/" },
    });
    const [found, ...others] = await client.diagnostics(uri);
    assert.ok(found);
    assert.deepEqual(others, []);
    assert.deepEqual(found.range, place);
    assert.equal(found.severity, 2);
    assert.equal(found.source, "unknot");
    assert.equal(found.code, "floating-task");
    assert.deepEqual(found.codeDescription, { href: "https://rules.example/floating-task" });
    assert.match(textOf(found), /'save'/);
    const steps = found.relatedInformation ?? [];
    assert.deepEqual(steps[0]?.location, { uri, range: place });
    assert.equal(steps.at(-1)?.location.range.start.line, 1, "the path ends at what can fail");
    await client.change(uri, right);
    assert.deepEqual(await client.diagnostics(uri), []);
    await client.change(uri, wrong);
    assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
    assert.deepEqual(client.logged, []);
    assert.deepEqual(client.shown, []);
  });

  it("follows every keystroke, over code that does not parse", async () => {
    const { client, uri } = await one(save);
    const typed = "export function run() {\n  save();\n}\n";
    const lines = save.split("\n").length - 1;
    for (let length = 0; length < typed.length; length += 1) {
      const before = typed.slice(0, length).split("\n");
      const at = { line: lines + before.length - 1, character: before.at(-1)?.length ?? 0 };
      await client.change(uri, typed[length] ?? "", { start: at, end: at });
      if (length % 8 === 0) await client.diagnostics(uri);
    }
    assert.equal(client.text(uri), save + typed);
    const [found] = await client.diagnostics(uri);
    assert.deepEqual(found?.range, place);
    assert.deepEqual(client.logged, []);
  });

  it("reads the buffers of other documents, not what is on disk", async () => {
    const main = `import { work } from "./b.js";\nexport function run(): void {\n  work();\n}\n`;
    const task = `export async function work(): Promise<void> {\n  await fetch("x");\n}\n`;
    const project = write({
      "tsconfig.json": "{}",
      "a.ts": main,
      "b.ts": "export function work(): void {}\n",
    });
    const client = await start(project);
    const [a, b] = ["a.ts", "b.ts"].map((name) => uriOf(project.path(name)));
    assert.ok(a && b);
    await client.open(a, main);
    assert.deepEqual(await client.diagnostics(a), []);
    await client.open(b, task);
    const [found] = await client.diagnostics(a);
    assert.equal(found?.code, "floating-task");
    // The path leads to the other document.
    assert.equal(found?.relatedInformation?.at(-1)?.location.uri, b);
    await client.close(b);
    assert.deepEqual(await client.diagnostics(a), []);
  });

  describe("analyses", () => {
    it("untitled documents", async () => {
      const project = write({});
      const client = await start(project);
      for (const [uri, language] of [
        ["untitled:Untitled-1", "typescript"],
        ["untitled:Untitled-2", "javascript"],
      ] as const) {
        const text =
          language === "javascript" ? wrong.replaceAll(": Promise<void>", "").replace(": void", "") : wrong;
        await client.open(uri, text, language);
        assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
        await client.change(uri, text.replace("  save()", "  return save()"));
        assert.deepEqual(await client.diagnostics(uri), []);
      }
    });

    it("a document whose file does not exist yet, and others that import it", async () => {
      const main = `import { save } from "./fresh.js";\nsave();\n`;
      const project = write({ "tsconfig.json": "{}", "a.ts": main });
      const client = await start(project);
      const [a, fresh] = ["a.ts", "fresh.ts"].map((name) => uriOf(project.path(name)));
      assert.ok(a && fresh);
      await client.open(a, main);
      assert.deepEqual(await client.diagnostics(a), []);
      await client.open(fresh, `export ${save}`);
      assert.deepEqual(rulesOf(await client.diagnostics(a)), ["floating-task"]);
    });

    it("JavaScript", async () => {
      const text = `const { readFile } = require("node:fs/promises");
async function save() { await readFile("x"); }
module.exports.run = () => { save(); };
`;
      const project = write({ "a.js": text }, ["@types"]);
      const client = await start(project);
      const uri = uriOf(project.path("a.js"));
      await client.open(uri, text, "javascript");
      assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
    });

    it("a file that the configuration leaves out, and one without any", async () => {
      const project = write({
        "app/tsconfig.json": `{ "include": ["src"] }`,
        "app/src/a.ts": right,
        "app/test/b.ts": wrong,
        "lonely/c.ts": wrong,
      });
      const client = await start(project);
      for (const name of ["app/test/b.ts", "lonely/c.ts"]) {
        const uri = uriOf(project.path(name));
        await client.open(uri, wrong);
        assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"], name);
      }
    });

    it("the projects of a solution, each with its options", async () => {
      const main = `import { save } from "@/save";\nexport function run(): void {\n  save();\n}\n`;
      const project = write({
        "tsconfig.json": `{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }`,
        "tsconfig.app.json": `{ "compilerOptions": { "paths": { "@/*": ["./lib/*"] } }, "include": ["src", "lib"] }`,
        "src/a.ts": main,
        "lib/save.ts": `export ${save}`,
      });
      const client = await start(project);
      const uri = uriOf(project.path("src/a.ts"));
      await client.open(uri, main);
      assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
    });

    it("nothing that is a dependency, a declaration or no file", async () => {
      const project = write({ "node_modules/x/index.ts": wrong, "a.d.ts": wrong });
      const client = await start(project);
      const uris = [
        uriOf(project.path("node_modules/x/index.ts")),
        uriOf(project.path("a.d.ts")),
        "git:/a.ts?HEAD",
        "vscode-vfs://github/a/b/c.ts",
      ];
      for (const uri of uris) {
        await client.open(uri, wrong);
        assert.deepEqual(await client.diagnostics(uri), []);
        assert.deepEqual(await client.actions(uri, place), []);
      }
    });

    it("every folder of the workspace", async () => {
      const [first, second] = [write({ "tsconfig.json": "{}", "a.ts": wrong }), write({ "b.ts": wrong })];
      assert.ok(first && second);
      const client = await start(first, { folders: [first.folder, second.folder] });
      for (const file of [first.path("a.ts"), second.path("b.ts")]) {
        await client.open(uriOf(file), wrong);
        assert.deepEqual(rulesOf(await client.diagnostics(uriOf(file))), ["floating-task"]);
      }
      await client.connection.sendNotification("workspace/didChangeWorkspaceFolders", {
        event: { added: [], removed: [{ uri: uriOf(second.folder), name: "b" }] },
      });
      assert.deepEqual(rulesOf(await client.diagnostics(uriOf(second.path("b.ts")))), ["floating-task"]);
    });
  });

  describe("offers actions", () => {
    it("of which the preferred one mends the finding", async () => {
      const { client, uri } = await one(wrong);
      await client.diagnostics(uri);
      const [first] = await client.actions(uri, place);
      assert.ok(first);
      assert.equal(first.isPreferred, true);
      assert.equal(first.kind, "quickfix");
      assert.equal(first.diagnostics?.[0]?.code, "floating-task");
      await client.apply(first);
      assert.notEqual(client.text(uri), wrong);
      assert.deepEqual(await client.diagnostics(uri), []);
    });

    it("that ignore the finding without asking for anything", async () => {
      const { client, uri } = await one(wrong);
      await client.diagnostics(uri);
      const ignore = (await client.actions(uri, place)).find(({ title }) => title.startsWith("Ignore"));
      assert.ok(ignore);
      await client.apply(ignore);
      assert.match(client.text(uri), /\n {2}\/\/ unknot-ignore-next-line floating-task\n {2}save\(\);/);
      assert.deepEqual(await client.diagnostics(uri), []);
    });

    it("only where there is a finding, and only for the text it was found in", async () => {
      const { client, uri } = await one(wrong);
      await client.diagnostics(uri);
      assert.deepEqual(
        await client.actions(uri, { start: { line: 0, character: 0 }, end: { line: 1, character: 0 } }),
        [],
      );
      await client.change(uri, `\n${wrong}`);
      assert.deepEqual(await client.actions(uri, place), []);
    });
  });

  it("says when a suppression does nothing", async () => {
    const text = `// unknot-ignore-next-line floating-task -- it is awaited\n${right}`;
    const { client, uri } = await one(text);
    const [found] = await client.diagnostics(uri);
    assert.equal(found?.code, "unused-suppression");
    assert.equal(found?.severity, 3);
    assert.deepEqual(found?.tags, [1]);
    const [remove] = await client.actions(uri, found?.range ?? place);
    assert.ok(remove);
    await client.apply(remove);
    assert.deepEqual(await client.diagnostics(uri), []);
  });

  it("takes severities and the switch from the settings, while it runs", async () => {
    const { client, uri } = await one(wrong, { settings: { rules: { "floating-task": "error" } } });
    assert.equal((await client.diagnostics(uri))[0]?.severity, 1);
    for (const [settings, severities] of [
      [{ rules: { "floating-task": "hint" } }, [4]],
      [{ rules: { "floating-task": "off" } }, []],
      [{ rules: { "floating-task": "loud", other: 4 } }, [2]],
      [{ enable: false }, []],
      [{ rules: null, enable: null, maxMemory: "x" }, [2]],
      [null, [2]],
    ] as const) {
      const before = client.refreshes();
      await client.configure(settings);
      const found = await client.diagnostics(uri);
      assert.deepEqual(
        found.map(({ severity }) => severity),
        severities,
        JSON.stringify(settings),
      );
      await until(() => client.refreshes() > before);
    }
  });

  describe("says of a finding that a program was seen to do it", () => {
    const problem = (uri: string, line: number) => ({
      id: "floating-task",
      message: "'save' failed and nothing awaits it.",
      at: [{ file: fileURLToPath(uri), line, column: 3 }],
    });

    it("at its line, and still when the line has moved, until no program is known to", async () => {
      const { client, uri } = await one(wrong);
      const confirmed = async () => {
        const [found] = await client.diagnostics(uri);
        const seen = found?.relatedInformation?.filter(({ message }) =>
          message.startsWith("seen at run time"),
        );
        assert.equal(
          found !== undefined && textOf(found).includes("A run has shown it."),
          seen?.length === 1,
        );
        return seen?.map(({ message, location }) => `${location.range.start.line} ${message}`);
      };
      assert.deepEqual(await confirmed(), []);
      const before = client.refreshes();
      await client.connection.sendNotification(seenNotification, { problems: [problem(uri, 5)] });
      await until(() => client.refreshes() > before);
      const seen = ["4 seen at run time: 'save' failed and nothing awaits it."];
      assert.deepEqual(await confirmed(), seen);
      await client.change(uri, `\n\n${wrong}`);
      assert.deepEqual(await confirmed(), seen);
      await client.connection.sendNotification(seenNotification, { problems: [problem(uri, 2)] });
      assert.deepEqual(await confirmed(), [], "another line");
      await client.connection.sendNotification(seenNotification, {
        problems: [{ ...problem(uri, 7), id: "lock-reentry" }],
      });
      assert.deepEqual(await confirmed(), [], "another mistake");
    });

    it("to clients that do not ask, too", async () => {
      const { diagnostic: _, ...textDocument } = fullCapabilities.textDocument ?? {};
      const { client, uri } = await one(wrong, { capabilities: { textDocument, workspace: {} } });
      const message = () => client.published.get(uri)?.diagnostics.map(textOf)[0] ?? "";
      await until(() => message() !== "");
      await client.connection.sendNotification(seenNotification, { problems: [problem(uri, 5)] });
      await until(() => message().includes("A run has shown it."));
      await client.connection.sendNotification(seenNotification, { problems: [] });
      await until(() => !message().includes("A run has shown it."));
    });
  });

  describe("knows the locks and channels of a document", () => {
    const locks = `import { Mutex } from "async-mutex";
export const ledger = new Mutex();
export const stock = new Mutex();
`;
    const use = `import { ledger, stock } from "./locks.js";
export const both = () => ledger.runExclusive(() => stock.runExclusive(() => 1));
`;
    const openLocks = async (capabilities?: ClientCapabilities) => {
      const project = write(
        {
          "tsconfig.json": '{ "compilerOptions": { "module": "nodenext" } }',
          "locks.ts": locks,
          "use.ts": use,
        },
        ["async-mutex", "tslib"],
      );
      const client = await start(project, capabilities === undefined ? {} : { capabilities });
      const uri = uriOf(project.path("locks.ts"));
      await client.open(uri, locks);
      const hover = (line: number, character: number) =>
        client.connection.sendRequest<Hover | null>("textDocument/hover", {
          textDocument: { uri },
          position: { line, character },
        });
      return { project, client, uri, hover };
    };

    it("and tells a reader where each is used, and in what order", async () => {
      const { client, uri, hover, project } = await openLocks();
      await client.diagnostics(uri);
      const found = await hover(1, 15);
      assert.deepEqual(found?.range, { start: { line: 1, character: 13 }, end: { line: 1, character: 31 } });
      const link = `[use.ts:2](${uriOf(project.path("use.ts"))}#L2,`;
      assert.deepEqual(found.contents, {
        kind: "markdown",
        value: [
          `lock \`ledger\` (async\\-mutex.Mutex), made at [locks.ts:2](${uri}#L2,14)`,
          "",
          `- acquired at ${link}27) in \`both\``,
          `- held while \`stock\` is taken: ${link}53)`,
        ].join("\n"),
      });
      assert.equal(await hover(0, 4), null);
      await client.change(uri, `\n\n\n\n\n${locks}`);
      assert.equal(await hover(1, 15), null, "the text has changed since");
      await client.diagnostics(uri);
      assert.notEqual(await hover(6, 15), null);
    });

    it("in plain text for clients that show nothing else", async () => {
      const { hover: _, ...textDocument } = fullCapabilities.textDocument ?? {};
      const { client, uri, hover } = await openLocks({ ...fullCapabilities, textDocument });
      await client.diagnostics(uri);
      const { contents } = (await hover(2, 15)) ?? {};
      assert.deepEqual(contents, {
        kind: "plaintext",
        value: [
          "lock 'stock' (async-mutex.Mutex), made at locks.ts:3",
          "",
          "- acquired at use.ts:2 in 'both'",
          "- taken while 'ledger' is held: use.ts:2",
        ].join("\n"),
      });
    });

    it("and gives them to a client that asks, once the text is looked at", async () => {
      const { client, uri } = await openLocks();
      await client.change(uri, `${locks}export const audit = new Mutex();\n`);
      const resources = await client.connection.sendRequest<readonly DescribedResource[]>(resourcesRequest, {
        textDocument: { uri },
      });
      // Nothing is done with the new one.
      assert.deepEqual(
        resources.map(({ name }) => name),
        ["ledger", "stock"],
      );
      const others = await client.connection.sendRequest(resourcesRequest, {
        textDocument: { uri: `${uri}x` },
      });
      assert.deepEqual(others, []);
    });
  });

  it("sends diagnostics to clients that do not ask for them", async () => {
    const { diagnostic: _, ...textDocument } = fullCapabilities.textDocument ?? {};
    const capabilities: ClientCapabilities = {
      textDocument: { ...textDocument, publishDiagnostics: {} },
      workspace: {},
    };
    const { client, uri } = await one(wrong, {
      capabilities,
      initializationOptions: { settings: { unknot: { rules: { "floating-task": "error" } } } },
    });
    assert.equal(client.initialized.capabilities.diagnosticProvider, undefined);
    await until(() => client.published.get(uri)?.diagnostics.length === 1);
    const [found] = client.published.get(uri)?.diagnostics ?? [];
    assert.equal(found?.severity, 1);
    // The client shows no related places, so the path is in the text.
    assert.match(found ? textOf(found) : "", /\n.*\(a\.ts:5\)\n/);
    await client.change(uri, right);
    await until(() => client.published.get(uri)?.version === 2);
    assert.deepEqual(client.published.get(uri)?.diagnostics, []);
    // Nothing is ever said about a text that has passed.
    for (let version = 3; version < 40; version += 1) {
      await client.change(uri, version % 2 === 1 ? wrong : right);
      if (version % 5 === 0) await sleep(version * 5);
      const said = client.published.get(uri);
      assert.equal(said?.diagnostics.length, (said?.version ?? 0) % 2);
    }
    await until(() => client.published.get(uri)?.version === 39);
    assert.equal(client.published.get(uri)?.diagnostics.length, 1);
    await client.close(uri);
    await until(() => client.published.get(uri)?.diagnostics.length === 0);
  });

  it("says nothing new when nothing changed", async () => {
    const { client, uri } = await one(wrong);
    const ask = (previousResultId?: string) =>
      client.connection.sendRequest<{ kind: string; resultId: string }>("textDocument/diagnostic", {
        textDocument: { uri },
        ...(previousResultId === undefined ? {} : { previousResultId }),
      });
    const { resultId } = await ask();
    assert.deepEqual(await ask(resultId), { kind: "unchanged", resultId });
    await client.change(uri, right);
    assert.equal((await ask(resultId)).kind, "full");
  });

  it("takes its time while energy is saved", async () => {
    const { client, uri } = await one(wrong, { settings: { saveEnergy: "always" } });
    // How it is with energy is known when it has looked once.
    await client.diagnostics(uri);
    const changed = performance.now();
    await client.change(uri, right);
    assert.deepEqual(await client.diagnostics(uri), []);
    assert.ok(performance.now() - changed > 1900);
  });

  it("lets a question go that the client has cancelled", async () => {
    const { client, uri } = await one(wrong);
    const source = new CancellationTokenSource();
    const request = client.connection.sendRequest(
      "textDocument/diagnostic",
      { textDocument: { uri } },
      source.token,
    );
    source.cancel();
    await assert.rejects(request, { code: -32800 });
    assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
  });

  describe("follows the disk", () => {
    it("when other files, configurations and folders change", async () => {
      const main = `import { work } from "@/b";\nexport function run(): void {\n  work();\n}\n`;
      const project = write({
        "tsconfig.json": `{ "compilerOptions": { "paths": { "@/*": ["./one/*"] } } }`,
        "a.ts": main,
      });
      const client = await start(project);
      await until(() => client.registered.includes("workspace/didChangeWatchedFiles"));
      const a = uriOf(project.path("a.ts"));
      await client.open(a, main);
      assert.deepEqual(await client.diagnostics(a), []);
      const task = `export async function work(): Promise<void> {\n  await fetch("x");\n}\n`;
      const steps: readonly (readonly [1 | 2 | 3, () => string, readonly string[]])[] = [
        [1, () => project.write("one/b.ts", task), ["floating-task"]],
        [2, () => project.write("one/b.ts", "export function work(): void {}"), []],
        [2, () => project.write("one/b.ts", task), ["floating-task"]],
        [2, () => project.write("tsconfig.json", `{ "compilerOptions": { "paths": {} } }`), []],
        [
          2,
          () => project.write("tsconfig.json", `{ "compilerOptions": { "paths": { "@/*": ["./one/*"] } } }`),
          ["floating-task"],
        ],
        [3, () => project.remove("one/b.ts"), []],
      ];
      for (const [type, act, expected] of steps) {
        const uri = uriOf(act());
        await client.watch([{ uri, type }]);
        assert.deepEqual(rulesOf(await client.diagnostics(a)), expected, uri);
      }
      assert.ok(client.refreshes() > 0);
    });
  });

  describe("says once what is wrong with a project, and finds what can be found:", () => {
    const broken: readonly (readonly [string, string, RegExp])[] = [
      ["text that is no JSON", `{ "compilerOptions": { `, /not valid JSON/],
      ["a base that is not installed", `{ "extends": "@tsconfig/nope" }`, /not installed/],
      ["a circle of bases", `{ "extends": "./tsconfig.json" }`, /extends itself/],
    ];
    for (const [what, text, pattern] of broken) {
      it(what, async () => {
        const project = write({ "tsconfig.json": text, "a.ts": wrong });
        const client = await start(project);
        const uri = uriOf(project.path("a.ts"));
        await client.open(uri, wrong);
        assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
        await client.change(uri, `${wrong}\n`);
        assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
        assert.equal(client.shown.length, 1);
        assert.match(client.shown[0] ?? "", pattern);
        assert.equal(client.statuses.at(-1)?.state, "limited");
      });
    }

    it("old options, in the log only", async () => {
      const project = write({
        "tsconfig.json": `{ "compilerOptions": { "baseUrl": ".", "moduleResolution": "node" } }`,
        "a.ts": wrong,
      });
      const client = await start(project);
      const uri = uriOf(project.path("a.ts"));
      await client.open(uri, wrong);
      assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
      assert.deepEqual(client.shown, []);
      assert.match(client.logged.join("\n"), /options that TypeScript 7 dropped/);
    });

    it("a compiler that is missing", async () => {
      const { client, uri } = await one(wrong, { initializationOptions: { executable: "/nope/tsc" } });
      for (const text of [wrong, `${wrong} `]) {
        await client.change(uri, text);
        await assert.rejects(client.diagnostics(uri), /'\/nope\/tsc' does not exist/);
      }
      assert.equal(client.shown.length, 1);
      assert.equal(client.statuses.at(-1)?.state, "stopped");
    });

    it("memory that does not suffice, until it does", async () => {
      const { client, uri } = await one(wrong, { settings: { maxMemory: 20 } });
      await assert.rejects(client.diagnostics(uri), /of the 20 MB it may take/);
      assert.match(client.shown[0] ?? "", /started again: it takes \d+ MB of the 20 MB it may take/);
      await client.configure({ maxMemory: 4000 });
      assert.deepEqual(rulesOf(await client.diagnostics(uri)), ["floating-task"]);
      assert.equal(client.statuses.at(-1)?.state, "ready");
    });
  });

  it("shows progress while it opens the first project", async () => {
    const { client, uri } = await one(wrong);
    await client.diagnostics(uri);
    assert.deepEqual(
      client.progress.map(({ kind }) => kind).filter((kind) => kind !== "report"),
      ["begin", "end"],
    );
    await client.change(uri, right);
    await client.diagnostics(uri);
    assert.equal(client.progress.filter(({ kind }) => kind === "begin").length, 1);
  });

  describe("with TypeScript's process", () => {
    before(function () {
      if (process.platform !== "linux") this.skip();
    });

    it("stopped, answers other requests within a second and the diagnostics later", async () => {
      const { client, uri } = await one(wrong);
      await client.diagnostics(uri);
      const pid = await client.typescriptPid();
      process.kill(pid, "SIGSTOP");
      await client.change(uri, `${wrong}\n`);
      const pending = client.diagnostics(uri);
      await sleep(300);
      // A busy machine may hold up one round, but hardly all.
      const delays: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const asked = performance.now();
        await client.actions(uri, place);
        await client.connection.sendRequest("textDocument/diagnostic", {
          textDocument: { uri: "file:///other.ts" },
        });
        delays.push(performance.now() - asked);
      }
      assert.ok(Math.min(...delays) < 1000, `${delays.map(Math.round)} ms`);
      assert.deepEqual(rulesOf(await pending), ["floating-task"]);
      assert.notEqual(await client.typescriptPid(), pid);
      assert.ok(client.logged.some((line) => line.includes("does not answer")));
      await gone(pid);
    });

    it("killed, again and again, goes on", async () => {
      const { client, uri } = await one(wrong);
      for (let round = 0; round < 4; round += 1) {
        assert.equal((await client.diagnostics(uri)).length, round % 2 === 0 ? 1 : 0);
        process.kill(await client.typescriptPid(), "SIGKILL");
        await client.change(uri, round % 2 === 0 ? right : wrong);
      }
      assert.deepEqual(client.shown, []);
    });

    it("idle, lets it go and starts it again", async () => {
      const { client, uri } = await one(wrong, { initializationOptions: { idleMs: 50 } });
      // It may be gone again before anybody has looked for it.
      let pid: number | undefined;
      for (let round = 0; pid === undefined; round += 1) {
        await client.change(uri, wrong + "\n".repeat(round));
        await client.diagnostics(uri);
        [pid] = client.typescriptPids();
      }
      await gone(pid);
      await client.change(uri, right);
      assert.deepEqual(await client.diagnostics(uri), []);
    });

    it("is gone after a shutdown, and after the client has died", async () => {
      const first = await one(wrong);
      await first.client.diagnostics(first.uri);
      const pid = await first.client.typescriptPid();
      assert.equal(await first.client.stop(), 0);
      await gone(pid);

      const second = await one(wrong);
      await second.client.diagnostics(second.uri);
      const orphan = await second.client.typescriptPid();
      const exited = new Promise((resolve) => second.client.process.once("exit", resolve));
      second.client.process.stdin?.end();
      await exited;
      await gone(orphan);
    });

    it("is gone after the editor was killed, whose pipes somebody else still holds", async () => {
      const editor = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], {
        stdio: "ignore",
      });
      const project = write({ "a.ts": wrong });
      const client = await startClient({ folders: [project.folder], processId: editor.pid ?? 0 });
      const uri = uriOf(project.path("a.ts"));
      await client.open(uri, wrong);
      await client.diagnostics(uri);
      const pid = await client.typescriptPid();
      const exited = new Promise((resolve) => client.process.once("exit", resolve));
      editor.kill("SIGKILL");
      await exited;
      await gone(pid);
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

function gone(pid: number): Promise<void> {
  return until(() => isGone(pid));
}

/** A message may be marked up; ours are text. */
function textOf({ message }: Pick<Diagnostic, "message">): string {
  return typeof message === "string" ? message : message.value;
}
