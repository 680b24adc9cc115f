import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { readDumps } from "@unknot/dump/formats/read.ts";
import { Profile } from "pprof-format";
import { root, temporaryFolder, unknot } from "./unknot.ts";

const golden = (file: string) => path.join(root, "dump", "formats", "goldens", file);

describe("unknot dump with a file", () => {
  const folder = temporaryFolder({});
  const dump = (...args: string[]) => unknot(["dump", ...args], { cwd: folder });

  it("converts between all formats", async () => {
    const text = await dump(golden("shop-full.taskdump"));
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^taskdump 1 grouped\n/);
    const json = await dump(golden("shop-full.taskdump"), "--format", "json");
    writeFileSync(path.join(folder, "shop.json"), json.stdout);
    const back = await dump("shop.json", "--full");
    assert.equal(back.stdout, readFileSync(golden("shop-full.taskdump"), "utf8"));
    const go = await dump("shop.json", "--format", "goroutine");
    assert.equal(go.stdout, readFileSync(golden("shop.goroutine.txt"), "utf8"));
    const pprof = await dump("shop.json", "--format", "pprof", "-o", "tasks.pb.gz");
    assert.deepEqual([pprof.code, pprof.stdout], [0, ""]);
    const profile = Profile.decode(gunzipSync(readFileSync(path.join(folder, "tasks.pb.gz"))));
    assert.ok(profile.sample.length > 0);
  });

  it("writes a profile for each question", async () => {
    const types = async (profile: string) => {
      const file = path.join(folder, `${profile}.pb.gz`);
      const source = golden("busy-shop.taskdump");
      const { code, stderr } = await dump(source, "--format", "pprof", "--profile", profile, "-o", file);
      assert.deepEqual([code, stderr], [0, ""]);
      const { sampleType, sample, stringTable } = Profile.decode(gunzipSync(readFileSync(file)));
      const last = stringTable.strings[Number(sampleType.at(-1)?.type)];
      return `${last} ${sample.reduce((sum, { value }) => sum + Number(value.at(-1)), 0)}`;
    };
    assert.equal(await types("tasks"), "tasks 10");
    assert.equal(await types("deadlock"), "tasks 2");
    assert.equal(await types("leak"), "taskleak 2");
    assert.equal(await types("floating"), "unawaited 1");
    assert.equal(await types("block"), "delay 206412000000");
    assert.equal(await types("mutex"), "delay 182400000000");
  });

  it("filters as the panel does", async () => {
    const { stdout } = await dump(
      golden("shop-full.taskdump"),
      "--format",
      "json",
      "--filter",
      "state:mutex -billing",
    );
    assert.deepEqual(
      readDumps(stdout).dumps[0]?.tasks.map((task) => task.name),
      ["OrderService.reserve"],
    );
    const wrong = await dump(golden("shop-full.taskdump"), "--filter", "age>x");
    assert.equal(wrong.code, 2);
    assert.equal(
      wrong.stderr,
      "unknot: 'age>' needs a time, for example age>30s. It is at character 1 of the filter.\n",
    );
  });

  it("says of a part of a dump that it is one, in every format", async () => {
    const whole = golden("shop-full.taskdump");
    const line = '# filtered 1 of 10 tasks by "state:mutex -billing deadlock:any"';
    const filter = ["--filter", "state:mutex -billing", "--only-deadlocks"];
    const filtered = { by: "state:mutex -billing deadlock:any", of: 10 };
    const part = async (...args: string[]) => (await dump(whole, ...filter, ...args)).stdout;
    for (const text of [
      await part(),
      await part("--full"),
      await part("--format", "json"),
      await part("--format", "goroutine"),
    ]) {
      assert.deepEqual(readDumps(text).dumps[0]?.filtered, filtered);
    }
    assert.equal((await part("--format", "goroutine")).split("\n")[0], line);
    await part("--format", "pprof", "-o", "part.pb.gz");
    const { comment, stringTable } = Profile.decode(
      gunzipSync(readFileSync(path.join(folder, "part.pb.gz"))),
    );
    assert.match(stringTable.strings[Number(comment[0])] ?? "", /, 1 of 10 tasks, filtered by state:mutex/);

    await part("-o", "part.taskdump");
    const again = await dump("part.taskdump", "--filter", "reserve");
    assert.match(again.stdout, /^# filtered 1 of 10 tasks by "state:mutex -billing deadlock:any reserve"$/m);
    const { stdout } = await unknot(["diff", "part.taskdump", whole], { cwd: folder });
    assert.match(stdout, /^before 1 task of 10 \(state:mutex -billing deadlock:any\) of process 4242/);
    assert.match(stdout, /\nThey are filtered differently/);
  });

  it("refuses a key that no filter has", async () => {
    const { code, stderr } = await dump(golden("shop-full.taskdump"), "--filter", "reserve wat:mutex");
    assert.equal(code, 2);
    assert.match(stderr, /^unknot: 'wat:' is no key: .* It is at character 9 of the filter\.\n$/);
  });

  it("finds the problems of a dump that has none", async () => {
    const value = JSON.parse((await dump(golden("shop-full.taskdump"), "--format", "json")).stdout);
    writeFileSync(path.join(folder, "bare.json"), JSON.stringify({ ...value, problems: [] }));
    assert.match((await dump("bare.json")).stdout, /\ndeadlock D1: task 7 -> mutex#4 "ledger"/);
  });

  it("gives what is there of a dump that was cut, and says so", async () => {
    const whole = readFileSync(golden("shop-full.taskdump"), "utf8");
    writeFileSync(path.join(folder, "cut.taskdump"), whole.slice(0, whole.length / 2));
    const { code, stdout, stderr } = await dump("cut.taskdump");
    assert.equal(code, 0);
    assert.match(stdout, /deadlock D1/);
    assert.match(stderr, /^cut\.taskdump: The dump is cut: \d+ of 10 tasks are there\./);
  });

  it("says in one sentence what is wrong with a file", async () => {
    writeFileSync(path.join(folder, "note.txt"), "hello\n");
    const cases: readonly (readonly [string, RegExp])[] = [
      ["nowhere.taskdump", /^unknot: There is no file 'nowhere\.taskdump': check the path\.\n$/],
      ["note.txt", /^unknot: note\.txt: This is no task dump: .*\n$/],
      [".", /^unknot: '\.' is a folder: name a file in it\.\n$/],
    ];
    for (const [file, message] of cases) {
      const { code, stdout, stderr } = await dump(file);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    }
    const unwritable = await dump(golden("shop-full.taskdump"), "-o", "no/such/folder.taskdump");
    assert.equal(unwritable.code, 2);
    assert.match(unwritable.stderr, /^unknot: There is no folder 'no\/such': check the path\.\n$/);
  });

  it("refuses a dump of a format that it does not know", async () => {
    writeFileSync(path.join(folder, "later.json"), '{ "format": "unknot-dump", "version": 99, "tasks": [] }');
    const { code, stdout, stderr } = await dump("later.json");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^unknot: later\.json: This dump has format version 99, which .*\n$/);
  });

  it("takes no option of processes", async () => {
    for (const option of ["--prove", "--attach", "--children"]) {
      const { code, stdout, stderr } = await dump(golden("shop-full.taskdump"), option);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, new RegExp(`^unknot: ${option} is for a process: '.*' names a dump file\\.\n$`));
    }
  });

  it("says why there is no dump of a process", async () => {
    const own = await dump(String(process.pid));
    assert.equal(own.code, 2);
    assert.match(
      own.stderr,
      new RegExp(`^unknot: Process ${process.pid} is not traced: start it with 'unknot run`),
    );
    const none = await dump("999999999");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /^unknot: There is no process 999999999/);
  });

  it("is no failure when the reader has seen enough", async () => {
    const { code, stderr } = await unknot(["dump", golden("shop-full.taskdump"), "--full"], {
      cwd: folder,
      readNothing: true,
    });
    assert.deepEqual([code, stderr], [0, ""]);
  });
});

describe("unknot diff", () => {
  const folder = temporaryFolder({});

  it("tells what changed", async () => {
    const before = JSON.parse(readFileSync(golden("shop.dump.json"), "utf8"));
    writeFileSync(
      path.join(folder, "before.json"),
      JSON.stringify({ ...before, tasks: before.tasks.slice(0, -4) }),
    );
    writeFileSync(
      path.join(folder, "after.json"),
      JSON.stringify({ ...before, capturedAt: before.capturedAt + 1000 }),
    );
    const { code, stdout } = await unknot(["diff", "before.json", "after.json"], { cwd: folder });
    assert.equal(code, 0);
    assert.match(stdout, /\n1 s apart: 4 tasks started, 0 ended\.\n/);
    assert.match(stdout, /\nGrew\n {7}\+4 {2}1 → 5 {2}chan receive {2}consume \/app\/consume\.ts:5:20\n/);
    assert.match(stdout, /\nProblems that are still there\n {2}lock-order-inversion: /);
    const json = await unknot(["diff", "before.json", "after.json", "--json"], { cwd: folder });
    assert.deepEqual(JSON.parse(json.stdout).started, [12, 13, 14, 15]);
    assert.doesNotMatch(stdout, /reverse/);
    const back = await unknot(["diff", "after.json", "before.json"], { cwd: folder });
    assert.match(back.stdout, /\nIn reverse order: 'before' was taken later than 'after'\.\n1 s apart: /);
  });

  it("compares every thread that both have", async () => {
    const main = JSON.parse(readFileSync(golden("shop.dump.json"), "utf8"));
    const worker = { ...main, process: { ...main.process, threadId: 2 } };
    writeFileSync(path.join(folder, "threads.json"), JSON.stringify([main, worker]));
    writeFileSync(path.join(folder, "worker.json"), JSON.stringify([{ ...worker, tasks: [] }, main]));
    const { stdout } = await unknot(["diff", "threads.json", "worker.json"], { cwd: folder });
    assert.match(stdout, /process 4242 2026[\s\S]*No group of tasks changed\.[\s\S]*process 4242, thread 2 /);
    const json = await unknot(["diff", "threads.json", "worker.json", "--json"], { cwd: folder });
    assert.deepEqual(
      JSON.parse(json.stdout).map((each: { threadId: number }) => each.threadId),
      [0, 2],
    );
  });
});
