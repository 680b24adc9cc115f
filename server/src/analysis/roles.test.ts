import assert from "node:assert/strict";
import type { FileFacts } from "../program/facts.ts";
import { roleOf } from "./roles.ts";

describe("roles of files", () => {
  const facts = { generated: false, hashbang: false, functions: [] } as unknown as FileFacts;
  const roles = {
    "src/server.ts": "source",
    "src/latest-helpers.ts": "source",
    "src/contest.ts": "source",
    "src/server.test.ts": "test",
    "src/core/test-helpers.ts": "test",
    "src/testUtils.mts": "test",
    "test_setup.js": "test",
    "scripts/release.ts": "script",
    "vendor/x.js": "vendored",
  };
  for (const [path, role] of Object.entries(roles)) {
    it(`${path} is ${role}`, () => assert.equal(roleOf(facts, path), role));
  }
});
