// Damaged inputs of every format: each bit flip and each truncation must end in a CheckpointError or in data of the same shape as
// before; never in another error, never in a hang. Damage is systematic and seeded, so a failure can be repeated. `npm run test:damaged`
// does all of it, `npm test` every seventh part.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isLongForm } from '../../../harness/long-form.js';
import { CheckpointError } from '../errors.js';
import { ByteCursor } from './files/byte-cursor.js';
import { parseJsonFile } from './files/json-file.js';
import { memorySource } from './files/memory-source.js';
import { elementCountOf, type StoredTensor } from './files/stored-tensor.js';
import { safetensorsBytes } from './fixtures/safetensors-writer.fixture.js';
import { sentencePieceBytes, testPieces } from './fixtures/sentencepiece-writer.fixture.js';
import { stateDictPickle, torchBytes } from './fixtures/torch-writer.fixture.js';
import { decodeGguf } from './gguf/decode.js';
import { encodeGgufHead } from './gguf/encode.js';
import { f32s, text, texts, u32 } from './gguf/value.js';
import { readSafetensors } from './safetensors/safetensors-file.js';
import { configSchema } from './source/config-schema.js';
import { decoderShape } from './source/text-hyperparameters.js';
import { originalSettings } from './source/llava-settings.js';
import { parseSentencePiece } from './tokenizer/sentencepiece.js';
import { parseTokenizerJson } from './tokenizer/tokenizer-json.js';
import { readTorchFile } from './torch/torch-file.js';
import { unpickle } from './torch/unpickler.js';

/** A prime, so that all bits of multi-byte fields get their turn. */
const SAMPLE = isLongForm('test:damaged') ? 1 : 7;
const TRUNCATION_BYTES = 64 * SAMPLE;

const golden = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../test/goldens/${path}`, import.meta.url)));
const tensors = [
  { name: 'a.weight', type: 'F16' as const, shape: [4, 6], values: new Float32Array(24).fill(0.5) },
  { name: 'b', type: 'F32' as const, shape: [3], values: Float32Array.of(1, 2, 3) },
  { name: 'c', type: 'BF16' as const, shape: [2, 2, 2], values: new Float32Array(8) },
];

/** Reads everything of every tensor, as conversion would: bounded, because no tensor can be larger than its file. */
async function readAll(found: Promise<StoredTensor[]>, fileBytes: number): Promise<void> {
  for (const tensor of await found) {
    const bytes = await tensor.read(0, elementCountOf(tensor.shape) ?? 0);
    expect(bytes.length).toBeLessThanOrEqual(Math.max(fileBytes, 64 * 2 ** 20));
  }
}

function ggufBytes(): Uint8Array {
  const head = encodeGgufHead(
    new Map([
      ['general.architecture', text('llama')],
      ['tokens', texts(['a', 'bc', 'def'])],
      ['scores', f32s([0, -1, -2])],
      ['general.alignment', u32(32)],
    ]),
    tensors.map(({ name, type, shape }) => ({ name, type, dimensions: shape.toReversed() })),
  );
  const bytes = new Uint8Array(head.fileBytes);
  bytes.set(head.bytes);
  return bytes;
}

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Flips every how many bytes; large inputs are sampled. */
  readonly flipEvery: number;
}

const torch = (bytes: Uint8Array) => readAll(readTorchFile(memorySource('f.bin', bytes)), bytes.length);
const config = golden('v16-mistral-anyres/checkpoint/config.json');
const CASES: readonly Case[] = [
  {
    name: 'safetensors',
    bytes: safetensorsBytes(tensors),
    flipEvery: 1,
    parse: (bytes) => readAll(readSafetensors(memorySource('f', bytes)), bytes.length),
  },
  {
    name: 'GGUF',
    bytes: ggufBytes(),
    flipEvery: 1,
    parse: (bytes) => decodeGguf(new ByteCursor(bytes, bytes.length, 'f')),
  },
  { name: 'torch ZIP of ours', bytes: torchBytes(tensors), flipEvery: 1, parse: torch },
  { name: 'torch ZIP', bytes: golden('torch-bin/transposed.bin'), flipEvery: 1, parse: torch },
  {
    name: 'torch ZIP with an expanded view',
    bytes: golden('torch-bin/expanded.bin'),
    flipEvery: 1,
    parse: torch,
  },
  {
    name: 'torch ZIP of many tensors',
    bytes: golden('torch-bin/many-entries.bin'),
    flipEvery: 1009,
    parse: torch,
  },
  { name: 'torch, old format', bytes: golden('torch-bin/legacy-views.bin'), flipEvery: 1, parse: torch },
  {
    name: 'pickle',
    bytes: stateDictPickle(tensors),
    flipEvery: 1,
    parse: (bytes) => unpickle(new ByteCursor(bytes, bytes.length, 'f')),
  },
  {
    name: 'SentencePiece',
    bytes: sentencePieceBytes(testPieces(40)),
    flipEvery: 1,
    parse: (bytes) => parseSentencePiece(bytes, 'f'),
  },
  {
    name: 'SentencePiece of the goldens',
    bytes: golden('v15-llama-pad/checkpoint/tokenizer.model'),
    flipEvery: 101,
    parse: (bytes) => parseSentencePiece(bytes, 'f'),
  },
  {
    name: 'config.json',
    bytes: config,
    flipEvery: 1,
    parse: (bytes) => {
      const parsed = parseJsonFile(bytes, 'f', configSchema).value;
      return [decoderShape(parsed, 'mistral', 'f'), originalSettings(parsed, 'f')];
    },
  },
  {
    name: 'tokenizer.json',
    bytes: golden('v16-mistral-anyres/checkpoint/tokenizer.json'),
    flipEvery: 3001,
    parse: (bytes) => parseTokenizerJson(bytes, 'f'),
  },
];

/** Runs the parser; anything but success or a CheckpointError is a failure of the test. */
async function survives(
  { name, parse }: Case,
  bytes: Uint8Array,
  damage: string,
): Promise<'read' | 'refused'> {
  try {
    await parse(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof CheckpointError) return 'refused';
    throw new Error(`${name}, ${damage}: ${String(error)}`, { cause: error });
  }
}

describe('damaged input', () => {
  it.each(CASES)('$name is read when it is whole', async (input) => {
    expect(await survives(input, input.bytes, 'whole')).toBe('read');
  });

  it.each(CASES)(`$name: truncated at every ${TRUNCATION_BYTES}th byte, refused or read`, async (input) => {
    let refused = 0;
    const lengths = Array.from(
      { length: Math.ceil(input.bytes.length / TRUNCATION_BYTES) },
      (_, index) => index * TRUNCATION_BYTES,
    );
    for (const length of lengths)
      if ((await survives(input, input.bytes.slice(0, length), `cut at ${length}`)) === 'refused')
        refused += 1;
    // A protocol buffer or a row of pickles may be cut between two records and still be well formed.
    expect(refused).toBeGreaterThan(lengths.length / 4);
  });

  it.each(CASES)('$name: bits flipped in turn, refused or read', async (input) => {
    for (let offset = 0; offset < input.bytes.length; offset += input.flipEvery * SAMPLE) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = new Uint8Array(input.bytes);
        bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
        await survives(input, bytes, `bit ${bit} of byte ${offset}`);
      }
    }
  });

  it.each(CASES)('$name: bytes replaced at random, refused or read', async (input) => {
    let state = 12_345;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    for (let round = 0; round < 300; round++) {
      const bytes = new Uint8Array(input.bytes);
      for (let change = 0; change <= random(8); change++)
        bytes[random(bytes.length)] = [0, 0xff, 0x7f, 0x80, random(256)][random(5)] ?? 0;
      await survives(input, bytes, `round ${round}`);
    }
  });
});
