#!/usr/bin/env bash
# @huggingface/gguf 0.4.6: a header that buildGgufHeader makes says one alignment and has another.
#
# GGUF's key general.alignment says to what the tensor data behind the header is aligned; 32 where the key is missing. gguf() heeds it and
# finds the data of a file with an alignment of 64. buildGgufHeader gets the same metadata, writes the key with its 64, and was expected
# to end the header at a multiple of 64. It ends it at a multiple of 32, its default, unless the alignment is passed once more as an
# option: for half of all lengths of a header, whatever reads the new file, gguf() included, looks for each tensor 32 bytes too late.
# Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/gguf@0.4.6 > /dev/null
cat > try.mjs << 'SCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import { buildGgufHeader, gguf } from '@huggingface/gguf';

const u32 = (value) => Buffer.from(new Uint32Array([value]).buffer);
const u64 = (value) => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
const text = (value) => Buffer.concat([u64(value.length), Buffer.from(value)]);
const ALIGNMENT = 64;
/** One tensor of f32 with the value 7, and a name as long as the test wants it. */
function write(name) {
  const head = Buffer.concat([
    ...[Buffer.from('GGUF'), u32(3), u64(1), u64(3)],
    ...[text('general.architecture'), u32(8), text('llama')],
    ...[text('general.alignment'), u32(4), u32(ALIGNMENT)],
    ...[text('general.name'), u32(8), text(name)],
    ...[text('t'), u32(1), u64(1), u32(0), u64(0)],
  ]);
  const padding = Buffer.alloc((ALIGNMENT - (head.length % ALIGNMENT)) % ALIGNMENT);
  writeFileSync('model.gguf', Buffer.concat([head, padding, Buffer.from(new Float32Array([7]).buffer), Buffer.alloc(60)]));
}
const dataOf = async (file) => {
  const { tensorDataOffset } = await gguf(file, { allowLocalFile: true });
  const bytes = readFileSync(file);
  return bytes.readFloatLE(Number(tensorDataOffset));
};

const offsets = [];
const values = [];
for (const options of [{}, { alignment: ALIGNMENT }])
  for (const name of ['n'.repeat(8), 'n'.repeat(40)]) {
    write(name);
    const { typedMetadata, tensorInfoByteRange, tensorDataOffset } = await gguf('model.gguf', { allowLocalFile: true, typedMetadata: true });
    const file = new Blob([readFileSync('model.gguf')]);
    const header = await buildGgufHeader(file, typedMetadata, { littleEndian: true, tensorInfoByteRange, ...options });
    const data = file.slice(Number(tensorDataOffset));
    writeFileSync('again.gguf', Buffer.from(await new Blob([header, data]).arrayBuffer()));
    const value = await dataOf('again.gguf');
    console.log(`${JSON.stringify(options)}: header of ${header.size} bytes, ${header.size % ALIGNMENT} beyond a multiple of ${ALIGNMENT}; the tensor's 7 is read as ${value}`);
    offsets.push(header.size % ALIGNMENT);
    values.push(value);
  }
const seen = { offsets: [0, 32, 0, 0], values: [7, 0, 7, 7] };
process.exit(JSON.stringify({ offsets, values }) === JSON.stringify(seen) ? 0 : 1);
SCRIPT
echo "@huggingface/gguf 0.4.6, node $(node --version):"
node try.mjs
