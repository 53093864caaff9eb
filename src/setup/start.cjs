/*
 * Starts csn inside the virtual machine from build/cli/main.cjs, with what V8 made of it when it was built: compiling it
 * there takes a third of the start. With --compile it writes that.
 *
 * Guarantee: what runs is main.cjs as it is; V8 rejects a cache that is of another version, flags or source.
 * Node's own compile cache is of one user only; this is for all of the machine.
 */
"use strict";
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

const file = join(__dirname, "../../build/cli/main.cjs");
const cache = `${file}.cache`;
const source = `(function (require, __filename, __dirname, module, exports) {${readFileSync(file, "utf8")}\n})`;
const compile = (cachedData) =>
  new vm.Script(source, {
    filename: file,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });

if (process.argv[2] === "--compile") {
  const script = compile();
  process.argv[2] = "--version"; // what runs first is in it, too
  process.on("exit", () => writeFileSync(cache, script.createCachedData()));
  start(script);
} else {
  let cached;
  try {
    cached = readFileSync(cache);
  } catch {
    // it is compiled now
  }
  start(compile(cached));
}

function start(script) {
  const module = { exports: {} };
  script.runInThisContext()(createRequire(file), file, dirname(file), module, module.exports);
}
