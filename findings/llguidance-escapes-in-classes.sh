#!/usr/bin/env bash
# transformers-llguidance 0.2.1 (llguidance as WebAssembly): a pattern of JSON Schema that leaves the quote out lets the quote through.
#
# The text "\"" is the JSON of a quote, so a schema with the pattern ^[^"]$ was expected to refuse it, as it refuses "a" for ^[^a]$.
# It accepts it, and "\\" for ^[^\\]$: where a class holds all control characters, every short escape is let through, whether the class
# has its character or not. With the control characters taken out of the class too, both are refused. A validator of the answer says
# that it breaks its schema. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --omit=peer transformers-llguidance@0.2.1 > /dev/null
cat > try.mjs << 'SCRIPT'
import { GuidanceParser } from 'transformers-llguidance';

const characters = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const vocab = Object.fromEntries([...characters, '</s>'].map((token, id) => [token, id]));
const tokenizer = { vocab, merges: [], added_tokens: [], model_type: 'bpe', eos_token_id: characters.length };
async function isAccepted(pattern, json) {
  const parser = await GuidanceParser.create({ type: 'json_schema', schema: { type: 'string', pattern } }, tokenizer);
  for (const character of json) {
    if (!parser.isTokenAllowed(vocab[character])) return false;
    parser.advance(vocab[character]);
  }
  return true;
}
const cases = [
  ['^[^a]$', '"a"', false],
  ['^[^"]$', '"\\""', true],
  ['^[^\\\\]$', '"\\\\"', true],
  ['^[^"\\x00-\\x1f]$', '"\\""', false],
];
let isAsSeen = true;
for (const [pattern, json, seen] of cases) {
  const accepted = await isAccepted(pattern, json);
  console.log(`${pattern} ${json}: ${accepted ? 'accepted' : 'refused'} (seen: ${seen ? 'accepted' : 'refused'})`);
  isAsSeen &&= accepted === seen;
}
process.exit(isAsSeen ? 0 : 1);
SCRIPT
echo "transformers-llguidance 0.2.1, node $(node --version):"
node try.mjs
