import assert from "node:assert/strict";
import { type ChoiceStore, choicesIn, keepChoice, offersFor, withChoices } from "./trace-choice.ts";

function store(kept?: unknown): ChoiceStore {
  let value = kept;
  return {
    get: () => value,
    async update(_, next) {
      value = next;
    },
  };
}

describe("the choice whether a configuration is traced", () => {
  it("is kept, changed and forgotten by name, and comes before the settings", async () => {
    const kept = store();
    assert.deepEqual(choicesIn(kept), {});
    await keepChoice(kept, "Shop", "never");
    await keepChoice(kept, "Mail", "always");
    await keepChoice(kept, "Shop", "always");
    assert.deepEqual(choicesIn(kept), { Mail: "always", Shop: "always" });
    const settings = { debugSessions: true, configurations: { Shop: "never", Bank: "never" } } as const;
    assert.deepEqual(withChoices(settings, kept).configurations, {
      Bank: "never",
      Mail: "always",
      Shop: "always",
    });
    await keepChoice(kept, "Shop", undefined);
    assert.deepEqual(choicesIn(kept), { Mail: "always" });
  });

  it("is none where the state holds something else", () => {
    for (const odd of ["always", null, 7, ["always"].map(String).join(), { Shop: "sometimes" }]) {
      assert.deepEqual(choicesIn(store(odd)), {});
    }
  });

  it("is once, always or never; a run that is not traced starts again for the first two", () => {
    const told = (traced: boolean) =>
      offersFor(traced, undefined, true).map(({ label, keep, restarts }) => [label, keep, restarts]);
    assert.deepEqual(told(true), [
      ["Once", "never", false],
      ["Always", "always", false],
      ["Never", "never", false],
    ]);
    assert.deepEqual(told(false), [
      ["Once", undefined, true],
      ["Always", "always", true],
      ["Never", "never", false],
    ]);
  });

  it("can be taken back", () => {
    const last = offersFor(true, "always", false).at(-1);
    assert.equal(last?.keep, "none");
    assert.equal(last?.detail, "Forgets the choice 'always': the next runs are not traced.");
  });
});
