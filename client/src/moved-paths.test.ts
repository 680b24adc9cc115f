import assert from "node:assert/strict";
import { globName, likeliest } from "./moved-paths.ts";

describe("paths of another machine", () => {
  it("are the file that ends the same for the longest", () => {
    const here = ["/home/me/shop/test/orders.ts", "/home/me/shop/src/orders.ts"];
    assert.equal(likeliest("/app/src/orders.ts", here), 1);
    assert.equal(likeliest("C:/build/shop/src/orders.ts", here), 1);
  });

  it("are nothing when two are as good, or none is it", () => {
    assert.equal(likeliest("/app/lib/orders.ts", ["/me/a/orders.ts", "/me/b/orders.ts"]), undefined);
    assert.equal(likeliest("/app/orders.ts", []), undefined);
    assert.equal(likeliest("/app/orders.ts", ["/me/orders.js"]), undefined);
  });

  it("may have names that mean something in a glob", () => {
    assert.equal(globName("[id].ts"), "[[]id[]].ts");
    assert.equal(globName("a{b,c}*.ts"), "a[{]b,c[}][*].ts");
  });
});
