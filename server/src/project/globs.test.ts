import assert from "node:assert/strict";
import { createMatcher } from "./globs.ts";

describe("glob patterns below a folder", () => {
  const fits = (patterns: readonly string[], name: string, options = {}) =>
    createMatcher("/app", patterns, options)(`/app/${name}`);

  it("without a slash hold at any depth, with one from the folder on", () => {
    assert.ok(fits(["*.test.ts"], "a.test.ts"));
    assert.ok(fits(["*.test.ts"], "src/deep/a.test.ts"));
    assert.ok(!fits(["./*.test.ts"], "src/a.test.ts"));
    assert.ok(!fits(["src/*.ts"], "src/deep/a.ts"));
    assert.ok(fits(["src/**/*.{test,spec}.ts"], "src/deep/a.spec.ts"));
  });

  it("that name a folder hold for all that is in it", () => {
    for (const pattern of ["scripts", "scripts/", "/scripts", "./scripts", "scripts/**"]) {
      assert.ok(fits([pattern], "scripts/deep/a.ts"), pattern);
      assert.ok(!fits([pattern], "scripts.ts"), pattern);
    }
    assert.ok(fits(["generated"], "src/generated/a.ts"));
    assert.ok(!fits(["/generated"], "src/generated/a.ts"));
    assert.ok(fits([".hidden"], ".hidden/a.ts"));
  });

  it("with an exclamation mark take out what was taken in before", () => {
    assert.ok(!fits(["src", "!src/core"], "src/core/a.ts"));
    assert.ok(fits(["!src/core", "src"], "src/core/a.ts"));
    assert.ok(!fits(["!src"], "lib/a.ts"));
  });

  it("hold for nothing outside, and for nothing when there are none", () => {
    assert.ok(!createMatcher("/app", ["**"])("/apple/a.ts"));
    assert.ok(!fits([], "a.ts"));
    assert.ok(!fits([""], "a.ts"));
    assert.ok(!fits(["x".repeat(70_000)], "a.ts"));
  });

  it("that are exact hold only for what they spell out", () => {
    const exact = { exact: true };
    assert.ok(!fits(["*.ts"], "src/a.ts", exact));
    assert.ok(!fits(["src"], "src/a.ts", exact));
    assert.ok(fits(["**/*.ts"], "src/a.ts", exact));
    assert.ok(!fits(["**/*.ts", "!src"], "src/a.ts", exact));
  });
});
