// The peer: what Node itself offers for following tasks, with hooks that do nothing.
const { createHook } = require("node:async_hooks");

createHook({ init() {}, before() {}, after() {}, destroy() {} }).enable();
