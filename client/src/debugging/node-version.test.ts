import assert from "node:assert/strict";
import { askNodeVersion, canBeTraced, parseNodeVersion, runsTypeScript } from "./node-version.ts";

const version = (text: string) => {
  const parsed = parseNodeVersion(text);
  assert.ok(parsed, text);
  return parsed;
};

describe("Node's version", () => {
  it("is asked of the executable", async () => {
    const asked = await askNodeVersion(process.execPath, process.env, undefined);
    assert.equal(asked?.text, process.versions.node);
  });

  it("is unknown for what is not there or not Node", async () => {
    assert.equal(await askNodeVersion("/no/such/node", process.env, undefined), undefined);
    assert.equal(parseNodeVersion("deno 2.0.0"), undefined);
  });

  it("says what can be traced: the last refused and the first accepted", () => {
    for (const no of ["v20.20.2", "v22.14.0", "v23.4.0"]) assert.ok(!canBeTraced(version(no)), no);
    for (const yes of ["v22.15.0", "v23.5.0", "v24.0.0", "v26.10.0"])
      assert.ok(canBeTraced(version(yes)), yes);
  });

  it("says what runs TypeScript: the last refused and the first accepted", () => {
    for (const no of ["v20.20.2", "v22.17.1", "v23.5.0"]) assert.ok(!runsTypeScript(version(no)), no);
    for (const yes of ["v22.18.0", "v23.6.0", "v24.0.0"]) assert.ok(runsTypeScript(version(yes)), yes);
  });
});
