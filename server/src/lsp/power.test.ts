import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { savesEnergy } from "./power.ts";

describe("whether the system saves energy", () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const linux = (files: Readonly<Record<string, string>>) => {
    const sys = mkdtempSync(path.join(tmpdir(), "unknot-sys-"));
    folders.push(sys);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.join(sys, path.dirname(name)), { recursive: true });
      writeFileSync(path.join(sys, name), `${text}\n`);
    }
    return savesEnergy({ platform: "linux", sys });
  };
  const battery = (capacity: number, status = "Discharging", more: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(
      Object.entries({ type: "Battery", status, capacity: String(capacity), ...more }).map(([name, text]) => [
        `class/power_supply/BAT0/${name}`,
        text,
      ]),
    );

  it("is known on Linux from the mode and from a battery that is nearly empty", async () => {
    assert.equal(await linux({}), false);
    assert.equal(await linux({ "firmware/acpi/platform_profile": "balanced" }), false);
    assert.equal(await linux({ "firmware/acpi/platform_profile": "low-power" }), true);
    assert.equal(await linux(battery(20)), true);
    assert.equal(await linux(battery(21)), false);
    assert.equal(await linux(battery(5, "Charging")), false);
    assert.equal(await linux(battery(5, "Discharging", { scope: "Device" })), false);
    assert.equal(await linux(battery(5, "Discharging", { type: "UPS" })), false);
  });

  it("is known on macOS from what pmset says, and nowhere else", async () => {
    const mac = (text: string) => savesEnergy({ platform: "darwin", pmset: async () => text });
    assert.equal(await mac(" lowpowermode         1\n sleep 1\n"), true);
    assert.equal(await mac(" lowpowermode         0\n sleep 1\n"), false);
    assert.equal(
      await savesEnergy({ platform: "darwin", pmset: () => Promise.reject(new Error("gone")) }),
      false,
    );
    assert.equal(await savesEnergy({ platform: "win32" }), false);
  });
});
