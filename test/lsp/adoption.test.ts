import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  cancelCheckCommand,
  checkWorkspaceCommand,
  type WorkspaceSummary,
  writeBaselineCommand,
} from "@unknot/protocol/workspace-check.ts";
import { type TestProject, testProject } from "@unknot/server/program/testing/project.ts";
import { startClient, type TestClient, uriOf } from "./client.ts";

const wrong = `async function save(): Promise<void> {
  await fetch("https://example.org");
}
export function run(): void {
  save();
}
`;
const gate = `export class Gate {
  async within<T>(fn: () => Promise<T>): Promise<T> { return fn(); }
}
`;
const nested = `import { Gate } from "./gate.js";
const gate = new Gate();
export async function twice(): Promise<void> {
  await gate.within(async () => {
    await gate.within(async () => {});
  });
}
`;
const model = (operation: string) =>
  JSON.stringify({
    unknot: 1,
    modules: ["./gate"],
    types: {
      Gate: {
        kind: "mutex",
        create: [{ new: "Gate", capacity: 1 }],
        members: { within: { op: operation, await: true, fn: 0 } },
      },
    },
  });
const tsconfig = '{ "compilerOptions": { "module": "nodenext" } }';

describe("language server in an old code base", () => {
  const toDispose: (() => unknown)[] = [];
  afterEach(async () => {
    for (const dispose of toDispose.splice(0).reverse()) await dispose();
  });
  const start = async (files: Readonly<Record<string, string>>, settings: unknown = {}) => {
    const project: TestProject = testProject({ "tsconfig.json": tsconfig, ".git/HEAD": "", ...files });
    toDispose.push(project.dispose);
    const client = await startClient({ folders: [project.folder], settings });
    toDispose.push(() => client.stop());
    const uri = (name: string) => uriOf(project.path(name));
    const save = async (name: string, text: string) => {
      const type = existsSync(project.path(name)) ? 2 : 1;
      project.write(name, text);
      await client.watch([{ uri: uri(name), type }]);
    };
    const rules = async (name: string) =>
      (await client.diagnostics(uri(name))).map(({ code, severity }) => `${severity} ${code}`);
    return { project, client, uri, save, rules };
  };
  const execute = (client: TestClient, command: string): Promise<WorkspaceSummary> =>
    client.connection.sendRequest("workspace/executeCommand", { command });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await sleep(10);
  };
  const published = (client: TestClient, uri: string) =>
    (client.published.get(uri)?.diagnostics ?? []).map(({ code, message }) => code ?? message);

  it("follows edits of the configuration, whose mistakes it shows in it", async () => {
    const { client, uri, save, rules, project } = await start({ "a.ts": wrong });
    await client.open(uri("a.ts"), wrong);
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    await save("unknot.config.json", '{ "rules": { "floating-task": "error" } }');
    assert.deepEqual(await rules("a.ts"), ["1 floating-task"]);
    await client.configure({ rules: { "floating-task": "hint" } });
    assert.deepEqual(await rules("a.ts"), ["4 floating-task"]);
    await client.configure({});
    await save("unknot.config.json", '{ "rules": {\n  "floating-tsak": "error" } }');
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    await until(() => published(client, uri("unknot.config.json")).length > 0);
    const [problem] = client.published.get(uri("unknot.config.json"))?.diagnostics ?? [];
    assert.deepEqual(problem?.range.start, { line: 1, character: 2 });
    project.remove("unknot.config.json");
    await client.watch([{ uri: uri("unknot.config.json"), type: 3 }]);
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    await until(() => published(client, uri("unknot.config.json")).length === 0);
    assert.deepEqual(client.shown, []);
  });

  it("follows edits of models, and shows what is wrong with one in its file", async () => {
    const { client, uri, save, rules } = await start({ "gate.ts": gate, "use.ts": nested });
    const file = ".unknot/models/gate.json";
    await client.open(uri("use.ts"), nested);
    assert.deepEqual(await rules("use.ts"), []);
    await save(file, model("scoped"));
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry"]);
    await save(file, model("scopd"));
    assert.deepEqual(await rules("use.ts"), []);
    await until(() => published(client, uri(file)).length > 0);
    await save(file, model("scoped"));
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry"]);
    await until(() => published(client, uri(file)).length === 0);
  });

  it("follows edits of tags, and shows what is wrong with one above the declaration", async () => {
    const withTag = (tag: string) => gate.replace("  async", `  /** @unknot ${tag} */\n  async`);
    const { client, uri, save, rules } = await start({ "gate.ts": withTag("scoped"), "use.ts": nested });
    await client.open(uri("use.ts"), nested);
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry"]);
    await save("gate.ts", withTag("scopd"));
    assert.deepEqual(await rules("use.ts"), []);
    await until(() => published(client, uri("gate.ts")).length > 0);
    await client.open(uri("gate.ts"), withTag("scopd"));
    const [problem] = await client.diagnostics(uri("gate.ts"));
    assert.match(String(problem?.message), /'op' cannot be 'scopd'; it has 'scoped'/);
    assert.deepEqual(problem?.range.start, { line: 1, character: 14 });
    await until(() => published(client, uri("gate.ts")).length === 0);
    await client.change(uri("gate.ts"), withTag("scoped"));
    assert.deepEqual(await client.diagnostics(uri("gate.ts")), []);
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry"]);
  });

  it("reads the models that settings list, and leaves floating promises to a linter when told", async () => {
    const { client, uri, rules } = await start(
      { "gate.ts": gate, "use.ts": `${nested}${wrong}`, "own/locks.json": model("scoped") },
      { models: ["own/locks.json"] },
    );
    await client.open(uri("use.ts"), `${nested}${wrong}`);
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry", "2 floating-task"]);
    await client.configure({ models: ["own/locks.json"], floatingTask: { deferToLinter: "always" } });
    assert.deepEqual(await rules("use.ts"), ["1 lock-reentry"]);
  });

  it("follows edits of a linter's configuration, which is a program", async () => {
    const { client, uri, save, rules } = await start({ "a.ts": wrong });
    await client.open(uri("a.ts"), wrong);
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    const typed = 'import t from "typescript-eslint";\nexport default t.configs.strictTypeChecked;\n';
    await save("eslint.config.mjs", typed);
    assert.deepEqual(await rules("a.ts"), []);
    await save("eslint.config.mjs", typed.replace("TypeChecked", ""));
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
  });

  it("looks for the rest when asked, and shows it until it is opened", async () => {
    const { client, uri, rules } = await start({
      "a.ts": wrong,
      "b.ts": wrong,
      "lib/c.ts": `${wrong}  run();\n`,
    });
    await client.open(uri("a.ts"), wrong);
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    const summary = await execute(client, checkWorkspaceCommand);
    assert.deepEqual(summary, {
      complete: true,
      files: 3,
      elsewhere: { findings: 2, files: 2 },
      baselined: 0,
      written: [],
    });
    await until(() => published(client, uri("lib/c.ts")).length > 0);
    assert.deepEqual(published(client, uri("b.ts")), ["floating-task"]);
    assert.deepEqual(published(client, uri("a.ts")), []);
    await client.open(uri("b.ts"), wrong);
    // What was shown stays until there is something to show in its place.
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    assert.deepEqual(published(client, uri("b.ts")), ["floating-task"]);
    assert.deepEqual(await rules("b.ts"), ["2 floating-task"]);
    await until(() => published(client, uri("b.ts")).length === 0);
    await client.close(uri("b.ts"));
    await until(() => published(client, uri("b.ts")).length === 1);
    await client.watch([{ uri: uri("lib/c.ts"), type: 2 }]);
    await until(() => published(client, uri("lib/c.ts")).length === 0);
    assert.ok(client.progress.some(({ kind }) => kind === "end"));
  });

  it("can be stopped from looking for the rest", async () => {
    const { client, uri } = await start({ "a.ts": wrong, "b.ts": wrong });
    // However fast it is: it asks the client for a progress bar before it begins, and this comes before the answer.
    const asked = execute(client, checkWorkspaceCommand);
    await execute(client, cancelCheckCommand);
    assert.equal((await asked).complete, false);
    assert.deepEqual(published(client, uri("b.ts")), []);
  });

  it("writes a baseline, and shows nothing that is in it", async () => {
    const { client, uri, rules, project } = await start({ "a.ts": wrong, "b.ts": wrong });
    await client.open(uri("a.ts"), wrong);
    await execute(client, checkWorkspaceCommand);
    await until(() => published(client, uri("b.ts")).length > 0);
    const summary = await execute(client, writeBaselineCommand);
    assert.deepEqual(summary.written, [project.path("unknot-baseline.json")]);
    assert.equal(summary.baselined, 2);
    await until(() => published(client, uri("b.ts")).length === 0);
    assert.deepEqual(await rules("a.ts"), []);
    await client.change(uri("a.ts"), `// moved\n${wrong}`);
    assert.deepEqual(await rules("a.ts"), []);
    await client.change(uri("a.ts"), wrong.replace("  save();\n", "  save();\n  save();\n"));
    assert.deepEqual(await rules("a.ts"), ["2 floating-task"]);
    assert.deepEqual((await execute(client, checkWorkspaceCommand)).baselined, 2);
  });
});
