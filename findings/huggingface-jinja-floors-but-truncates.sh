#!/usr/bin/env bash
# @huggingface/jinja 0.5.11 (chat templates in JavaScript): // rounds down as in Python, % does not.
#
# Chat templates are written for Python's Jinja, where a // b * b + a % b is a, and a remainder has the sign of the divisor. Here -7 // 2
# is -4 as there, but -7 % 2 is -1 (there 1), so that the two together make -9 of -7. Both were expected as in Python, or both as in
# JavaScript. A template that counts turns from the end and asks whether a turn is odd, (i - n) % 2 == 1, answers no for all of them,
# without an error. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11 > /dev/null
cat > try.mjs << 'SCRIPT'
import { Template } from '@huggingface/jinja';

const cases = [
  ['{{ a // b }}', '-4'],
  ['{{ a % b }}', '-1'],
  ['{{ a // b * b + a % b }}', '-9'],
  ['{% for i in range(4) %}{{ "odd " if (i - 4) % 2 == 1 else "even " }}{% endfor %}', 'even even even even '],
];
let isAsSeen = true;
for (const [template, seen] of cases) {
  const rendered = new Template(template).render({ a: -7, b: 2 });
  console.log(`${template}: ${rendered} (seen: ${seen})`);
  isAsSeen &&= rendered === seen;
}
process.exit(isAsSeen ? 0 : 1);
SCRIPT
echo "@huggingface/jinja 0.5.11, node $(node --version):"
node try.mjs
