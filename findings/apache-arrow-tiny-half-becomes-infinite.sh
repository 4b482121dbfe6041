#!/usr/bin/env bash
# apache-arrow 21.2.0: a number that half precision cannot hold becomes another number, not the nearest half: 1e-8 becomes -Infinity.
#
# Float16 was expected to round as IEEE 754 does, and as numpy's float16 and a Float16Array do: what is too small becomes 0, what is too
# large becomes infinite. It does so for some of these numbers only: of those below 2^-26 most become -Infinity, NaN or a number many
# thousands of times as large, and all whole numbers from 65536 to 2^21 come out between 2 and 4. The bytes of the IPC stream say so, and
# with them every reader. Probabilities, whose tail is as small as this, or activations that are stored in half precision to save room
# become NaN and -Infinity in this way, without an error. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts apache-arrow@21.2.0 @petamoriken/float16@3.9.3 > /dev/null
cat > try.mjs << 'SCRIPT'
import { f16round } from '@petamoriken/float16';
import { Float16, Table, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow';

/** What a reader of the stream finds for numbers that were written as half precision. */
function sent(numbers) {
  const stream = tableToIPC(new Table({ x: vectorFromArray(numbers, new Float16()) }), 'stream');
  return Array.from(tableFromIPC(stream).getChild('x'));
}
const cases = [
  [0.1, 0.0999755859375],
  [1e-7, 1.1920928955078125e-7],
  [1e-8, -Infinity],
  [-1e-8, -Infinity],
  [5e-9, NaN],
  [1e-12, 0.000022530555725097656],
  [65520, Infinity],
  [65536, 2],
  [100000, 3.05078125],
  [-98304, -3],
  [100000.1, Infinity],
];
let isAsSeen = true;
const read = sent(cases.map(([number]) => number));
for (const [index, [number, seen]] of cases.entries()) {
  console.log(`${number}: ${read[index]} (seen: ${seen}; the nearest half: ${f16round(number)})`);
  isAsSeen &&= Object.is(read[index], seen);
}
const logits = Array.from({ length: 1000 }, (_, token) => -0.03 * token);
const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
const probabilities = sent(logits.map((logit) => Math.exp(logit) / total));
const wrong = probabilities.filter((probability) => !(probability >= 0)).length;
console.log(`probabilities of 1000 tokens that are no longer numbers from 0 to 1: ${wrong}`);
isAsSeen &&= wrong > 0;
process.exit(isAsSeen ? 0 : 1);
SCRIPT
echo "apache-arrow 21.2.0, node $(node --version):"
node try.mjs
