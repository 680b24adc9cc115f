import assert from "node:assert/strict";
import { movePaths, parseMove } from "./moved.ts";
import { shop } from "./testing/shop.ts";

describe("moved paths", () => {
  it("are read from one word", () => {
    assert.deepEqual(parseMove("/srv/app=/home/me/app"), { from: "/srv/app", to: "/home/me/app" });
    assert.deepEqual(parseMove("/srv/app/=/home/a=b/"), { from: "/srv/app", to: "/home/a=b" });
    assert.deepEqual(parseMove("C:\\app=D:\\work"), { from: "C:/app", to: "D:/work" });
    assert.deepEqual(parseMove("/=/mnt"), { from: "/", to: "/mnt" });
    for (const wrong of ["", "/srv", "=/home", "/srv="]) assert.equal(parseMove(wrong), undefined);
  });

  it("move every file of a dump, whole names only, by the first rule that fits", () => {
    const dump = { ...shop(), sources: [{ file: "/app/http.ts", hash: "0" }] };
    const moved = movePaths(dump, [
      { from: "/ap", to: "/wrong" },
      { from: "/app/http.ts", to: "/lib/server.ts" },
      { from: "/app", to: "/home/me" },
      { from: "/", to: "/late" },
    ]);
    const files = new Set(moved.sites.map(({ file }) => file));
    assert.ok(files.has("/lib/server.ts") && files.has("/home/me/orders.ts"));
    assert.ok(
      [...files, ...moved.problems.flatMap(({ at }) => at.map(({ file }) => file))].every(
        (file) => !file.startsWith("/app"),
      ),
    );
    assert.deepEqual([moved.process.title, moved.process.cwd], ["/home/me/main.ts", "/home/me"]);
    assert.deepEqual(moved.sources, [{ file: "/lib/server.ts", hash: "0" }]);
    assert.equal(movePaths(dump, []), dump);
  });
});
