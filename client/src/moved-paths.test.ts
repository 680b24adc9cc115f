import assert from "node:assert/strict";
import { globName, likeliest } from "./moved-paths.ts";

describe("paths of another machine", () => {
  it("are the file that ends the same for the longest", () => {
    const here = ["test/orders.ts", "src/orders.ts", "packages/shop/src/orders.ts"];
    assert.equal(likeliest("/app/src/orders.ts", here.slice(0, 2)), 1);
    assert.equal(likeliest("C:/build/packages/shop/src/orders.ts", here), 2);
    assert.equal(likeliest("/app/main.ts", ["main.ts", "lib/main.ts"]), 0);
  });

  it("are nothing when two are as good, or only the names agree", () => {
    assert.equal(likeliest("/app/lib/src/a.ts", ["x/src/a.ts", "y/src/a.ts"]), undefined);
    assert.equal(likeliest("/app/lib/index.ts", ["src/index.ts"]), undefined);
    assert.equal(likeliest("/app/orders.ts", []), undefined);
    assert.equal(likeliest("/app/orders.ts", ["orders.js"]), undefined);
  });

  it("may have names that mean something in a glob", () => {
    assert.equal(globName("[id].ts"), "[[]id[]].ts");
    assert.equal(globName("a{b,c}*.ts"), "a[{]b,c[}][*].ts");
  });
});
