#!/usr/bin/env bash
# koffi 3.3.4: a shared library is unloaded when JavaScript no longer holds it, even if native code still calls into it.
#
# koffi.load was expected to keep a library for the life of the process, as dlopen without dlclose and Python's ctypes do. When the
# library object and all functions made from it have been collected, koffi closes the library. A plugin that was registered with
# another native library (a ggml backend, a callback table) is then called at addresses that are mapped no more: a segmentation
# fault, seconds later, on whatever thread. Holding one function of the library is enough. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts koffi@3.3.4 > /dev/null
cat > collected.cjs << 'PROGRAM'
const { readFileSync } = require('node:fs');
const koffi = require('koffi');
const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes('libbz2.so.1.0');
const version = () => koffi.load('libbz2.so.1.0').func('const char *BZ2_bzlibVersion()');
const collect = async () => {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
(async () => {
  let held = version();
  console.log(`koffi ${koffi.version}; libbz2 ${held()}; mapped: ${isMapped()}`);
  await collect();
  const whileHeld = isMapped();
  held = undefined;
  await collect();
  console.log(`mapped while a function is held: ${whileHeld}; afterwards: ${isMapped()}`);
  process.exit(whileHeld && !isMapped() ? 0 : 1);
})();
PROGRAM
node --expose-gc collected.cjs
