import { assertGolden } from "../testing/golden.ts";
import { busyShop, shop } from "../testing/shop.ts";
import { writeDumpJson } from "./dump-json.ts";
import { writeGoroutines } from "./goroutine-text.ts";
import { writeTaskdump } from "./taskdump-writer.ts";

describe("a dump, as people see it", () => {
  for (const mode of ["grouped", "full"] as const) {
    it(`is readable as ${mode} text`, () => {
      assertGolden(
        import.meta.url,
        `goldens/shop-${mode}.taskdump`,
        [...writeTaskdump(shop(), { mode })].join(""),
      );
    });
  }
  it("is readable with what its tasks have waited and held", () => {
    assertGolden(
      import.meta.url,
      "goldens/busy-shop.taskdump",
      [...writeTaskdump(busyShop(), { mode: "grouped" })].join(""),
    );
  });
  it("is readable as goroutines", () => {
    assertGolden(import.meta.url, "goldens/shop.goroutine.txt", [...writeGoroutines(shop())].join(""));
  });
  it("is readable as JSON", () => {
    assertGolden(import.meta.url, "goldens/shop.dump.json", [...writeDumpJson(shop())].join(""));
  });
});
