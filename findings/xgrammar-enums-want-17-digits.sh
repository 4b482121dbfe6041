#!/usr/bin/env bash
# @mlc-ai/web-xgrammar 0.1.27 (xgrammar as WebAssembly): an enum of numbers refuses its own numbers as the schema writes them.
#
# The grammar of {"enum":[0.1,0.25]} was expected to allow 0.1 and 0.25. It allows 0.25 and 0.10000000000000001: numbers of an enum or a
# const are written anew with 17 digits, so of the tenths from 0.1 to 0.9 only 0.5 is allowed as it stands. The model has to write digits
# that nothing in its prompt or schema mentions, one token or more for each, and so a rating costs several times as many tokens as
# expected. Nothing shows it afterwards, as the text is read as the same number. Bounds (minimum, maximum) are kept as they are. Exits
# non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @mlc-ai/web-xgrammar@0.1.27 > /dev/null
# The package is meant for bundlers: it calls itself a module and is none, so node reads it under another name.
cp node_modules/@mlc-ai/web-xgrammar/lib/index.js xgrammar.cjs
cat > try.cjs << 'SCRIPT'
const { GrammarCompiler, GrammarMatcher, TokenizerInfo } = require('./xgrammar.cjs');

const characters = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const vocab = [...characters, '</s>'];
const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const cases = [
  ...tenths.map((tenth) => [{ enum: tenths }, String(tenth), tenth === 0.5]),
  [{ enum: tenths }, '0.10000000000000001', true],
  [{ enum: tenths }, '0.69999999999999996', true],
  [{ const: { score: 0.9 } }, '{"score":0.9}', false],
  [{ const: { score: 0.9 } }, '{"score":0.90000000000000002}', true],
  [{ enum: ['0.1', 1, 0.25, 1000] }, '"0.1"', true],
  [{ enum: ['0.1', 1, 0.25, 1000] }, '0.25', true],
  [{ type: 'number', minimum: 0.1 }, '0.1', true],
  [{ type: 'number', minimum: 0.1 }, '0.10000000000000001', false],
];
(async () => {
  const info = await TokenizerInfo.createTokenizerInfo(vocab, 'raw', false, vocab.length, [characters.length]);
  const compiler = await GrammarCompiler.createGrammarCompiler(info);
  let isAsSeen = true;
  for (const [schema, text, seen] of cases) {
    const matcher = await GrammarMatcher.createGrammarMatcher(await compiler.compileJSONSchema(JSON.stringify(schema)));
    const accepted = Array.from(text).every((character) => matcher.acceptToken(vocab.indexOf(character))) && matcher.acceptToken(characters.length);
    console.log(`${JSON.stringify(schema)} ${text}: ${accepted ? 'accepted' : 'refused'} (seen: ${seen ? 'accepted' : 'refused'})`);
    isAsSeen &&= accepted === seen;
  }
  process.exit(isAsSeen ? 0 : 1);
})();
SCRIPT
echo "@mlc-ai/web-xgrammar 0.1.27, node $(node --version):"
node try.cjs
