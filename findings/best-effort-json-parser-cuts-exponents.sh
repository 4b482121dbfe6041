#!/usr/bin/env bash
# best-effort-json-parser 1.5.1: in JSON that is not finished, a number ends before its exponent, and the exponent becomes a key.
#
# The beginning of valid JSON was expected to give what is complete in it as it is, with at most its last value cut short. A number with an
# exponent is cut at the e even when much follows it: the start of {"area":1.5e-7,"label":"cat"} gives an area of 1.5, and no label but a
# key e-7,"label". In a list the exponent is one more element. Only the last piece of the stream, with which the text is plain JSON, puts
# everything right. Whoever shows an answer while it is written, as this package is made for, shows numbers that are wrong by any factor.
# Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts best-effort-json-parser@1.5.1 > /dev/null
cat > try.cjs << 'SCRIPT'
const { disableErrorLogging, parse } = require('best-effort-json-parser');

disableErrorLogging();
const cases = [
  ['{"area":0.00000015,"label":"cat"', { area: 0.00000015, label: 'cat' }],
  ['{"area":1.5e-7,"label":"cat"', { area: 1.5, 'e-7,"label"': 'cat' }],
  ['{"area":1.5e-7,"label":"cat"}', { area: 1.5e-7, label: 'cat' }],
  ['{"box":[1e2,2E2,300', { box: [1, 'e2', 2, 'E2', 300] }],
  ['[{"total":-12.5e+3},{"total":1}', [{ total: -12.5 }, '}', { total: 1 }]],
];
let isAsSeen = true;
for (const [text, seen] of cases) {
  const read = JSON.stringify(parse(text));
  console.log(`${text}: ${read} (seen: ${JSON.stringify(seen)})`);
  isAsSeen &&= read === JSON.stringify(seen);
}
process.exit(isAsSeen ? 0 : 1);
SCRIPT
echo "best-effort-json-parser 1.5.1, node $(node --version):"
node try.cjs
