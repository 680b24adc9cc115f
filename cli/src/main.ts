// The `unknot` command: says what it can do, reads its options and hands over to one file per command.
import { readFileSync } from "node:fs";
import path from "node:path";
import { pprofProfiles } from "@unknot/dump/formats/pprof.ts";
import { type Move, parseMove } from "@unknot/dump/moved.ts";
import { severities } from "@unknot/protocol/finding.ts";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type CheckOptions, check, checkFormats } from "./check/command.ts";
import { CliError, exitCodes, reasonOf } from "./cli-error.ts";
import { type DiffOptions, type DumpOptions, diff, dump, ps } from "./dumps/commands.ts";
import { dumpFormats } from "./dumps/write-dumps.ts";
import { explain } from "./explain/command.ts";
import { rules } from "./explain/rule-pages.ts";
import { checkModels } from "./models/command.ts";
import { slashes } from "./paths.ts";
import { type RunOptions, run } from "./run/command.ts";
import { colorsFor, printable } from "./terminal.ts";
import { type TopOptions, top } from "./top/command.ts";
import { helpLines, sortKeys, views } from "./top/state.ts";
import { type WhyOptions, why } from "./why/command.ts";

const version = versionOf();
/** Below the help of what takes a filter; docs/filter.md says more. */
const filterWords = `
Words of --filter, all of which have to match (- before one takes out what matches):
  state: kind: name: file: created: lib:    contain this text
  id: label:key label:key=value             are this
  problem:<verdict|rule|any> deadlock:<D1|any>
  age>30s wait<=5m                          ms, s, m, h
  any other word                            in names, states, functions, files, labels, resources;
                                            quoted where it looks like a key: '"tenant:acme"'
More: docs/filter.md`;

const program = new Command("unknot")
  .description(
    "Finds races, deadlocks and leaked tasks in async TypeScript: by reading it (check) and by watching it run (run, dump).",
  )
  .version(version, "-V, --version", "print the version")
  .helpOption("-h, --help", "explain a command")
  .helpCommand("help [command]", "explain a command")
  .showHelpAfterError("(unknot --help shows what there is)")
  .enablePositionalOptions()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "unknot: ")) });

program
  .command("check")
  .description("read TypeScript and JavaScript and report what can go wrong")
  .argument("[paths...]", "files, folders or tsconfig files (default: the current folder)")
  .option("-p, --project <tsconfig>", "also check what this tsconfig names")
  .addOption(
    new Option("--format <format>", "how to print findings").choices([...checkFormats]).default("text"),
  )
  .option("--rule <id...>", "report only these rules (unknot explain names them)", collectRules)
  .addOption(
    new Option("--severity <level>", "report nothing less severe than this")
      .choices([...severities])
      .default("information"),
  )
  .addOption(
    new Option("--fail-on <level>", "end with 1 when there is a finding at least this severe")
      .choices([...severities])
      .default("error"),
  )
  .addOption(
    new Option(
      "--changed [ref]",
      "only files that differ from the last commit, or from where the branch left a ref",
    ),
  )
  .option("--baseline <file>", "leave out what this file names (default: unknot-baseline.json)")
  .option("--no-baseline", "report also what the baseline names")
  .option("--write-baseline [file]", "write what is found into the baseline instead of reporting it")
  .option("--fix", "apply the preferred fix of each finding, then report what is left")
  .option("--stats", "print times and numbers on standard error")
  .addHelpText(
    "after",
    `
Findings go to standard output, everything else to standard error.
Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 could not run.

  unknot check                          the current folder
  unknot check src/orders.ts --fix      one file, mended where that is safe
  unknot check --changed=main           only what this branch has changed
  unknot check --write-baseline         from now on only new findings
  unknot check --format sarif > unknot.sarif`,
  )
  .action(async (paths: string[], options: CheckOptions) => {
    process.exitCode = await check(paths, options, { rules, version });
  });

program
  .command("run")
  .description("run a Node program and watch its tasks")
  .usage("[options] -- program [args...]")
  .argument(
    "[program...]",
    "a JavaScript or TypeScript file, a command of an installed package, npx or another command of the system",
  )
  .option("--report <file>", "write what was found as JSON, also when the program hangs and is interrupted")
  .option("--dump-on-exit <file>", "write the tasks that are left at the end (.json: as JSON)")
  .option("--fail-on-problem", `end with ${exitCodes.problem} when a problem was found for sure`)
  .passThroughOptions()
  .addHelpText(
    "after",
    `
The program's output, signals and exit code stay as they are, except with --fail-on-problem.

  unknot run -- server.ts --port 8080
  unknot run --report report.json -- node --enable-source-maps dist/main.js
  unknot run -- npx tsx server.ts`,
  )
  .action(async (words: string[], options: RunOptions) => {
    await run(words, options);
  });

program
  .command("why")
  .description("run a test command and say what keeps it alive after its tests: file, line and test")
  .usage("[options] -- command [args...]")
  .argument("[command...]", "a command of an installed package, npm, a file or a program of the system")
  .addOption(
    new Option("--wait <seconds>", "how long it may go on after its tests")
      .argParser(collectSeconds)
      .default(1),
  )
  .passThroughOptions()
  .addHelpText(
    "after",
    `
The command's output stays as it is; the answer is on standard error. A command that goes on after its tests is ended.
Exit codes: ${exitCodes.problem} it had to be ended, otherwise its own.

  unknot why -- mocha
  unknot why -- node --test
  unknot why -- npx vitest run
  unknot why -- npm test`,
  )
  .action(async (words: string[], options: WhyOptions) => {
    await why(words, options);
  });

program
  .command("ps")
  .description("list the traced processes of this user")
  .option("--json", "print JSON")
  .action(async (options: { readonly json?: boolean }) => {
    await ps(options);
  });

program
  .command("dump")
  .description("show the tasks of a traced process, or convert a dump")
  .argument("<process|file>", "process id (unknot ps lists them) or a dump file")
  .addOption(new Option("--format <format>", "how to print it").choices([...dumpFormats]).default("taskdump"))
  .addOption(
    new Option("--profile <what>", "which profile to write (pprof)")
      .choices([...pprofProfiles])
      .default("tasks"),
  )
  .option("-o, --output <file>", "write to a file")
  .option("--filter <words>", 'only these tasks: state:"chan receive" file:orders.ts age>30s -kind:job name')
  .option("--full", "one block per task, complete enough to be read again (taskdump)")
  .option("--only-deadlocks", "only tasks that are part of a deadlock")
  .option("--children", "also the traced processes that it has started")
  .option(
    "--map <from=to>",
    "files below one folder are below another one here; may be repeated",
    collectMoves,
  )
  .option(
    "--prove",
    "first collect the program's garbage, for which it stands still: tasks that went with it can never go on",
  )
  .option(
    "--attach",
    "of a Node process that is not traced: pauses it and shows the suspended functions, nothing more",
  )
  .addHelpText(
    "after",
    `
  unknot dump 4242                      tasks grouped by where they wait, deadlocks first
  unknot dump 4242 --full -o hang.taskdump
  unknot dump hang.taskdump --format pprof -o tasks.pb.gz
  unknot dump 4242 --format pprof --profile mutex -o mutex.pb.gz
  unknot dump from-production.taskdump --map /srv/app=.
  unknot dump 4242 --filter 'state:mutex wait>10s'
${filterWords}`,
  )
  .action(async (source: string, options: DumpOptions) => {
    await dump(source, options);
  });

program
  .command("top")
  .description(
    "watch the traced processes: their tasks by where they wait, who holds them up, the event loop",
  )
  .argument("[process]", "only this process (default: all of this user)")
  .option("--once", "print what there is now and end; the default when the output is no terminal")
  .addOption(new Option("--interval <seconds>", "how often to look").argParser(collectInterval).default(1))
  .addOption(new Option("--view <view>", "what to show first").choices([...views]).default("tasks"))
  .addOption(new Option("--sort <column>", "how to sort tasks").choices([...sortKeys]).default("count"))
  .option("--filter <words>", 'only these tasks: state:"chan receive" file:orders.ts wait>30s name')
  .addHelpText("after", `\nKeys:\n${helpLines.map((line) => `  ${line}`).join("\n")}\n${filterWords}`)
  .action(async (pid: string | undefined, options: TopOptions) => {
    await top(pid, options);
  });

program
  .command("diff")
  .description("compare two dumps: what started, ended, grew")
  .argument("<before>", "dump file")
  .argument("<after>", "dump file, or the id of a process to compare with as it is now")
  .option("--json", "print JSON")
  .option(
    "--map <from=to>",
    "files below one folder are below another one here; may be repeated",
    collectMoves,
  )
  .action(async (before: string, after: string, options: DiffOptions) => {
    await diff(before, after, options);
  });

program
  .command("explain")
  .description("print the page of a rule: what it finds, why it hurts, how to mend it")
  .argument("<rule>", "id of a rule, for example floating-task")
  .action(async (rule: string) => {
    await explain(rule);
  });

program
  .command("models")
  .description("what Unknot knows of libraries")
  .command("check")
  .description("compare the models of libraries with the installed ones, and a project's own models, too")
  .argument("[folder]", "the project (default: the current folder)")
  .addHelpText(
    "after",
    `
A project's own models are the files .unknot/models/*.json.
Exit codes: 0 every model fits, 1 a model says what its library does not, 2 could not run.`,
  )
  .action(async (folder: string | undefined) => {
    process.exitCode = await checkModels(folder);
  });

// A reader that has seen enough (`unknot dump … | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.fine : exitCodes.couldNotRun);
});

try {
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.couldNotRun;
  const { red } = colorsFor(process.stderr);
  if (error instanceof CliError) {
    process.stderr.write(`${red("unknot:")} ${printable(error.message)}\n`);
    return error.exitCode;
  }
  const details = error instanceof Error ? error.stack : undefined;
  process.stderr.write(
    `${red("unknot:")} This should not happen: ${printable(reasonOf(error))}. Please report it with the lines below.\n${printable(details ?? "")}\n`,
  );
  return exitCodes.couldNotRun;
}

function collectRules(value: string, before: readonly string[] | undefined): readonly string[] {
  const ids = value.split(",").map((id) => id.trim().replace(/^unknot\//, ""));
  if (ids.includes("")) throw new InvalidArgumentError("Name a rule.");
  return [...(before ?? []), ...ids];
}

function collectMoves(value: string, before: readonly Move[] | undefined): readonly Move[] {
  const move = parseMove(value);
  if (move === undefined) throw new InvalidArgumentError("Name two folders: --map /srv/app=/home/me/app.");
  return [...(before ?? []), { from: move.from, to: slashes(path.resolve(move.to)) }];
}

function collectSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === "" || !(seconds >= 0)) throw new InvalidArgumentError("Give a number of seconds.");
  return seconds;
}

function collectInterval(value: string): number {
  const seconds = collectSeconds(value);
  if (seconds < 0.1) throw new InvalidArgumentError("Give at least 0.1 seconds.");
  return seconds;
}

/** The version of the package that this file is part of: beside the bundle, or the repository's. */
function versionOf(): string {
  for (const manifest of ["./package.json", "../../package.json"]) {
    try {
      const value = JSON.parse(readFileSync(new URL(manifest, import.meta.url), "utf8")) as {
        readonly version?: string;
        readonly name?: string;
      };
      if (value.name === "unknot" && value.version !== undefined) return value.version;
    } catch {
      // Not there: the next one.
    }
  }
  return "0.0.0";
}
