import assert from "node:assert/strict";
import type { Finding } from "@unknot/protocol/finding.ts";
import type { Span } from "@unknot/protocol/place.ts";
import fc from "fast-check";
import { colorsFor } from "../terminal.ts";
import { applyFixes } from "./apply-fixes.ts";
import { githubOutput } from "./github-output.ts";
import { jsonOutput } from "./json-output.ts";
import { byPlace, type CheckReport, isAtLeast } from "./report.ts";
import { textOutput } from "./text-output.ts";

const source = `import { Mutex } from "async-mutex";

const stock = new Mutex();
const ledger = new Mutex();

await stock.runExclusive(() =>
  ledger.runExclusive(sell),
);
audit();
`;

const span = (line: number, column: number, length: number, file = "/app/src/shop.ts"): Span => ({
  file,
  line,
  column,
  endLine: line,
  endColumn: column + length,
});

const findings: readonly Finding[] = [
  {
    rule: "lock-order-inversion",
    severity: "error",
    at: span(7, 3, 26),
    message: "'ledger' is taken while 'stock' is held, elsewhere the other way round.",
    trace: [
      { at: span(6, 7, 18), what: "'stock' is taken here" },
      { at: span(7, 3, 26), what: "'ledger' is taken here, 'stock' is held" },
      { at: span(4, 1, 5, "/other/refund.ts"), what: "'stock' is taken here, 'ledger' is held" },
    ],
    fixes: [],
  },
  {
    rule: "floating-task",
    severity: "warning",
    at: span(9, 1, 7),
    message: "Nothing waits for 'audit',\nso its failure ends the process: 100%.",
    trace: [{ at: span(9, 1, 7), what: "'audit' is started here" }],
    fixes: [{ title: "Await 'audit'", preferred: true, edits: [{ at: span(9, 1, 0), newText: "await " }] }],
  },
];

const report: CheckReport = {
  root: "/app",
  findings,
  notices: [
    {
      file: "/app/tsconfig.json",
      severity: "warning",
      message: "The base 'x' is not installed: run npm install.",
    },
  ],
  rules: [{ id: "floating-task", title: "A task is started and nothing waits for it" }],
  files: 12,
  baselined: 0,
  ignoresBaseline: false,
};

const text = (changed: Partial<CheckReport> = {}, of: string | undefined = source) =>
  [...textOutput({ ...report, ...changed }, { colors: colorsFor({}, {}), textOf: () => of })].join("");

describe("text output", () => {
  it("shows place, rule, message, code and the numbered path", () => {
    assert.equal(
      text(),
      `src/shop.ts:7:3 error lock-order-inversion
  'ledger' is taken while 'stock' is held, elsewhere the other way round.

    5 |
    6 | await stock.runExclusive(() =>
  > 7 |   ledger.runExclusive(sell),
      |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
    8 | );
    9 | audit();

  1. 'stock' is taken here src/shop.ts:6:7
  2. 'ledger' is taken here, 'stock' is held src/shop.ts:7:3
  3. 'stock' is taken here, 'ledger' is held /other/refund.ts:4:1

src/shop.ts:9:1 warning floating-task
  Nothing waits for 'audit',
so its failure ends the process: 100%.

     7 |   ledger.runExclusive(sell),
     8 | );
  >  9 | audit();
       | ^^^^^^^
    10 |

  fix: Await 'audit'

2 findings (1 error, 1 warning) in 12 files.
`,
    );
  });

  it("reads a file once for all that is found in it", () => {
    const read: string[] = [];
    const many = { ...report, findings: [...findings, ...findings] };
    const textOf = (file: string) => {
      read.push(file);
      return source;
    };
    assert.ok([...textOutput(many, { colors: colorsFor({}, {}), textOf })].length > many.findings.length);
    assert.deepEqual(read, ["/app/src/shop.ts"]);
  });

  it("shows places far below like those at the top", () => {
    const [finding] = findings;
    assert.ok(finding !== undefined);
    const at = { ...finding.at, line: 1007, endLine: finding.at.endLine + 1000 };
    const shown = text({ findings: [{ ...finding, at, trace: [] }] }, `${"x();\n".repeat(1000)}${source}`);
    assert.match(
      shown,
      /\n {4}1005 \|\n {4}1006 \| await stock\.run.*\n {2}> 1007 \| {3}ledger\.run.*\n.*\^\n {4}1008 \| \);\n/,
    );
  });

  it("does without the code when it can't be read", () => {
    assert.doesNotMatch(
      [...textOutput(report, { colors: colorsFor({}, {}), textOf: () => undefined })].join(""),
      /\|/,
    );
  });

  it("says so when there is nothing", () => {
    assert.equal(text({ findings: [], files: 1 }), "No findings in 1 file.\n");
  });

  it("is coloured on a terminal only, and not with NO_COLOR", () => {
    const colored = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv) =>
      [...textOutput(report, { colors: colorsFor(stream, env), textOf: () => source })]
        .join("")
        .includes("\u001b[");
    assert.equal(colored({ isTTY: true }, {}), true);
    assert.equal(colored({ isTTY: true }, { NO_COLOR: "1" }), false);
    assert.equal(colored({ isTTY: true }, { TERM: "dumb" }), false);
    assert.equal(colored({ isTTY: false }, {}), false);
    assert.equal(colored({}, { FORCE_COLOR: "1" }), true);
  });

  it("obeys no escape sequence of the code", () => {
    const [finding] = findings;
    assert.ok(finding !== undefined);
    const hostile = { ...finding, message: "\u001b[2Jgone", at: span(1, 1, 3, "/app/\u001b[31m.ts") };
    assert.ok(!text({ findings: [hostile] }, "\u001b[2J").includes("\u001b"));
  });
});

describe("JSON output", () => {
  it("has a version, relative files and a summary", () => {
    const value = JSON.parse(jsonOutput(report));
    assert.equal(value.version, 1);
    assert.equal(value.root, "/app");
    assert.deepEqual(value.summary, {
      files: 12,
      baselined: 0,
      error: 1,
      warning: 1,
      information: 0,
      hint: 0,
    });
    assert.deepEqual(value.findings[1], {
      rule: "floating-task",
      severity: "warning",
      file: "src/shop.ts",
      line: 9,
      column: 1,
      endLine: 9,
      endColumn: 8,
      message: findings[1]?.message,
      trace: [
        {
          file: "src/shop.ts",
          line: 9,
          column: 1,
          endLine: 9,
          endColumn: 8,
          what: "'audit' is started here",
        },
      ],
      fixes: [
        {
          title: "Await 'audit'",
          preferred: true,
          edits: [{ file: "src/shop.ts", line: 9, column: 1, endLine: 9, endColumn: 1, newText: "await " }],
        },
      ],
    });
    assert.equal(value.findings[0].trace[2].file, "/other/refund.ts");
  });
});

describe("GitHub output", () => {
  it("keeps a message in one command", () => {
    const lines = githubOutput(report).trimEnd().split("\n");
    assert.equal(lines.length, 3);
    assert.equal(
      lines[1],
      "::warning file=src/shop.ts,line=9,col=1,endColumn=8,title=unknot floating-task::Nothing waits for 'audit',%0Aso its failure ends the process: 100%25.",
    );
    assert.match(
      lines[0] ?? "",
      /^::error file=src\/shop\.ts,line=7,.*%0A2\. 'ledger' is taken here, 'stock' is held \(src\/shop\.ts:7\)/,
    );
    assert.match(lines[2] ?? "", /^::warning file=tsconfig\.json::The base/);
  });
});

describe("applying fixes", () => {
  const floating = findings[1];
  assert.ok(floating !== undefined);

  it("applies the preferred fix and leaves the others", () => {
    const { files, fixed, left } = applyFixes(findings, () => source);
    assert.deepEqual([fixed.length, left.length], [1, 0]);
    assert.equal(files.get("/app/src/shop.ts"), source.replace("\naudit", "\nawait audit"));
  });

  it("leaves a fix that touches another one for the next round", () => {
    const { files, fixed, left } = applyFixes([floating, { ...floating, rule: "other" }], () => source);
    assert.deepEqual([fixed.length, left.length], [1, 1]);
    assert.equal(files.get("/app/src/shop.ts"), source.replace("\naudit", "\nawait audit"));
  });

  it("puts every edit where it belongs, whatever the line ends", () => {
    const line = fc
      .array(fc.constantFrom("a", "b", "é", "😀", " "), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join(""));
    const file = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r", "\u2028")), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(file, fc.nat(5), fc.nat(6), (lines, at, column) => {
        const index = at % lines.length;
        const [target = ""] = lines[index] ?? [];
        const start = Math.min(column, target.length);
        const content = lines.map(([each, end]) => each + end).join("");
        const before =
          lines
            .slice(0, index)
            .map(([each, end]) => each + end)
            .join("").length + start;
        const edit = {
          ...floating,
          fixes: [
            {
              title: "x",
              preferred: true,
              edits: [{ at: span(index + 1, start + 1, target.length - start), newText: "#" }],
            },
          ],
        };
        const { files } = applyFixes([edit], () => content);
        assert.equal(
          files.get("/app/src/shop.ts"),
          `${content.slice(0, before)}#${content.slice(before + target.length - start)}`,
        );
      }),
    );
  });
});

describe("the report", () => {
  it("orders severities and places", () => {
    assert.equal(isAtLeast("error", "warning"), true);
    assert.equal(isAtLeast("warning", "warning"), true);
    assert.equal(isAtLeast("hint", "information"), false);
    assert.deepEqual(
      [...findings]
        .reverse()
        .sort(byPlace)
        .map((finding) => finding.at.line),
      [7, 9],
    );
  });
});
