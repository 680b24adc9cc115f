// From "something hangs" to the right line: how many actions a person needs, and how long it takes. The clock runs from
// the start of the program; every key, click or command that is not waiting is an action.
import assert from "node:assert/strict";
import { reportFailures } from "./failures.ts";
import {
  type HangingProgram,
  type HangingPrograms,
  type Scenario,
  scenarios,
  writeHangingPrograms,
} from "./hanging-programs.ts";
import { launch, type Workbench } from "./workbench.ts";

const mostActions = 4;
const mostMs = 60_000;

/** What a person does, one after the other; each waits until what it acts on is there. */
type Actions = readonly (() => Promise<unknown>)[];

describe("from something that hangs to the right line", () => {
  let programs: HangingPrograms;
  let code: Workbench;
  const took: string[] = [];

  before(async () => {
    programs = writeHangingPrograms();
    code = await launch({
      workspace: programs.folder,
      packages: [
        "async-mutex",
        "tslib",
        "generic-pool",
        "p-limit",
        "yocto-queue",
        "ts-chan",
        "@types/node",
        "undici-types",
      ],
      settings: { "unknot.rules": { "lock-release-not-in-finally": "off" } },
      // A mark below the fold is not drawn, and the programs begin with many empty lines.
      viewport: { width: 1400, height: 1500 },
    });
    await code.openFile(programs.of("lock cycle").main);
  });
  reportFailures(() => code);
  after(async () => {
    console.log(took.join("\n"));
    await code?.close();
    programs.remove();
  });
  afterEach(async () => {
    await code.stopAnyDebugging();
  });

  const openTaskDump = () => code.runCommand("Unknot: Focus on Diagnosis View");
  const openTasks = () => code.runCommand("Unknot: Focus on Tasks View");
  const clickRow = (text: RegExp) => () => code.treeRow(text).click();
  const goToLine = (text: string) => async () => {
    const notification = code.notifications.filter({ hasText: text });
    await notification.getByText("Go to Line").click();
  };
  // A row's label and description follow each other without a space.
  const waitsIn = (task: string) => new RegExp(`^(\\d+ × )?${task}`);

  const actionsFor: Readonly<Record<Scenario, (program: HangingProgram) => Actions>> = {
    "lock cycle": ({ names }) => [goToLine(`'${names["task"]}'`)],
    "exhausted pool": ({ names }) => [
      openTaskDump,
      // What holds up the most, and after a second the problem: the pool has nothing left.
      clickRow(new RegExp(`'${names["pool"]}'.*${names["handle"]}.*18 tasks wait`, "s")),
    ],
    "queue that waits for itself": ({ names }) => [goToLine(`'${names["task"]}'`)],
    "channel that nobody closes": ({ names }) => [openTasks, clickRow(waitsIn(names["task"] ?? ""))],
    "lost wake-up": ({ names }) => [openTasks, clickRow(new RegExp(`^${names["task"]}waits for event`))],
    "blocked loop": ({ names }) => [
      openTaskDump,
      clickRow(new RegExp(`^The event loop has not turned for .* while '${names["spin"]}' runs at `)),
    ],
    "handle that keeps a test run alive": () => [
      () => code.runCommand("Unknot: Why Doesn't It Exit?"),
      () => code.pickRow("Start again and watch"),
      () => code.pickRow("an interval (every 30000 ms) keeps it alive"),
    ],
    "leak that grows": ({ names }) => [openTasks, clickRow(new RegExp(`^\\d+ × ${names["task"]}`))],
    // Two requests do not wait for each other, so nothing hangs and a run shows nothing: the source does.
    "race between two requests": ({ main }) => [
      () => code.openFile(main),
      async () => {
        await code.squiggles("info").first().waitFor();
        await code.key("Alt+F8");
      },
    ],
    "worker thread that never answers": ({ names }) => [
      openTaskDump,
      clickRow(new RegExp(`^Deadlock D\\d+: '.* callback in ${names["task"]}'`, "s")),
    ],
  };

  const comes = (isThere: () => Promise<boolean>) =>
    code.waitUntil(isThere, 8000).then(
      () => true,
      () => false,
    );

  for (const scenario of scenarios) {
    it(`${scenario}: at most ${mostActions} actions, at most ${mostMs / 1000} seconds`, async () => {
      const program = programs.of(scenario);
      const actions = actionsFor[scenario](program);
      await code.hidePanel();
      await code.startDebugging(program.configuration);
      const started = Date.now();
      // Nobody asks before it has begun.
      await code.debugToolbar.waitFor();
      for (const act of actions) await act();
      const isThere = async () => {
        const tab = await code.activeTab();
        const { line } = await code.cursor();
        return program.right.some((right) => tab.includes(right.file) && line === right.line);
      };
      let count = actions.length;
      // A row that comes while one is clicked pushes that one away; a person looks again.
      while (!(await comes(isThere)) && count < mostActions) {
        await code.key("Escape");
        await actions.at(-1)?.();
        count++;
      }
      await code.waitUntil(isThere);
      const tookMs = Date.now() - started;
      took.push(`      ${scenario}: ${count} actions, ${(tookMs / 1000).toFixed(1)} s`);
      assert.ok(count <= mostActions, `${count} actions`);
      assert.ok(tookMs <= mostMs, `${tookMs} ms`);
    });
  }
});
