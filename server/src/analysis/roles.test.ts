import assert from "node:assert/strict";
import type { FileFacts } from "../program/facts.ts";
import { roleOf } from "./roles.ts";

describe("roles of files", () => {
  const facts = { generated: false, hashbang: false, functions: [], imports: [] } as unknown as FileFacts;
  const roles = {
    "src/server.ts": "source",
    "src/latest-helpers.ts": "source",
    "src/contest.ts": "source",
    "src/server.test.ts": "test",
    "src/core/test-helpers.ts": "test",
    "src/testUtils.mts": "test",
    "test_setup.js": "test",
    "scripts/release.ts": "script",
    "src/client.examples.ts": "script",
    "src/examples.ts": "source",
    "test/transforms/fixtures/old-name.input.ts": "vendored",
    "src/fixtures/page.ts": "test",
    "vendor/x.js": "vendored",
  };
  for (const [path, role] of Object.entries(roles)) {
    it(`${path} is ${role}`, () => assert.equal(roleOf(facts, path), role));
  }

  const imports = (specifier: string, imported: string, typeOnly = false) =>
    roleOf(
      { ...facts, imports: [{ specifier, imported, typeOnly }] } as unknown as FileFacts,
      "src/suite.ts",
    );
  it("what imports the functions of a test runner is a test", () => {
    assert.equal(imports("@jest/globals", "describe"), "test");
    assert.equal(imports("node:test", "test"), "test");
    assert.equal(imports("ava", "default"), "test");
    assert.equal(imports("vitest", "describe", true), "source");
    assert.equal(imports("vitest/config", "defineConfig"), "source");
    assert.equal(imports("mocha", "default"), "source");
  });
});
