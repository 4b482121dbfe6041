import { describe, expect, it } from 'vitest';
import type { ReaderCard, ReaderStart } from './lifecycle/messages.js';
import { parseFromReader, parseToReader, VERSIONS, type FromReader, type ToReader } from './messages.js';
import type { GenerateMessage } from './requests/messages.js';
import { GREEDY } from './requests/greedy.js';
import { NOTHING_COUNTED } from './lifecycle/reader-counts.js';

const CARD: ReaderCard = {
  modelName: 'demo',
  modelType: 'LlavaLlamaForCausalLM',
  device: 'cpu',
  deviceReason: '',
  contextTokens: 2048,
  maxSequences: 8,
  vision: null,
  imageTokenBudget: 'full',
  loras: ['style'],
};
const DONE = {
  kind: 'done',
  requestId: 'r',
  prompt: 0,
  finishReason: 'stop',
  usage: { promptTokens: 3, imageTokens: 0, cachedTokens: 2, generatedTokens: 1 },
  times: { visionMs: 12.5, prefillMs: 3, decodeMs: 0 },
} as const;

const VALID: readonly FromReader[] = [
  { kind: 'loading', stage: 'reading weights', fraction: 0.5 },
  { kind: 'loading', stage: 'starting', fraction: null },
  { kind: 'ready', versions: VERSIONS, card: CARD },
  { kind: 'failed', code: 'checkpoint.missing', message: 'no such folder' },
  { kind: 'log', level: 'warn', message: 'x' },
  { kind: 'heartbeat', running: 1, steps: 0, counts: NOTHING_COUNTED },
  { kind: 'token', requestId: 'r', prompt: 999, text: ' \u{1F600}\n' },
  {
    kind: 'token',
    requestId: 'r',
    prompt: 0,
    text: 'a',
    logprobs: [{ bytes: new Uint8Array([97]), logprob: -1, top: [{ bytes: new Uint8Array(), logprob: -9 }] }],
  },
  DONE,
  { ...DONE, constraintMs: 12.5 },
  { kind: 'answer', requestId: 'q', answer: { kind: 'tokenize', tokens: ['▁a'] } },
  { kind: 'refusal', requestId: 'q', code: 'request.out_of_range', message: 'no such token' },
  { kind: 'error', requestId: 'r', prompt: 0, code: 'request.does_not_fit', message: 'too long' },
  {
    kind: 'error',
    requestId: 'r',
    prompt: 0,
    code: 'request.constraint_unsupported',
    message: 'no',
    field: 'json_schema',
  },
];

describe('parseFromReader', () => {
  it.each(VALID.map((message) => [message.kind, message] as const))('takes %s as it is', (_, message) => {
    expect(parseFromReader(message)).toEqual({ kind: 'message', message });
  });

  it.each([
    ['nothing', undefined],
    ['text', 'ready'],
    [
      'a log probability that is no number',
      {
        kind: 'token',
        requestId: 'r',
        prompt: 0,
        text: '',
        logprobs: [{ bytes: new Uint8Array(), logprob: NaN, top: [] }],
      },
    ],
    ['an unknown kind', { kind: 'exec', command: 'x' }],
    ['a token without text', { kind: 'token', requestId: 'r', prompt: 0 }],
    ['a negative prompt', { kind: 'token', requestId: 'r', prompt: -1, text: '' }],
    ['a fractional prompt', { kind: 'token', requestId: 'r', prompt: 0.5, text: '' }],
    ['megabytes in a token', { kind: 'token', requestId: 'r', prompt: 0, text: 'x'.repeat(100_000) }],
    [
      'a code that no client knows',
      { kind: 'error', requestId: 'r', prompt: 0, code: 'native.x', message: '' },
    ],
    [
      'an inherited name as code',
      { kind: 'error', requestId: 'r', prompt: 0, code: 'toString', message: '' },
    ],
    ['an invented finish reason', { ...DONE, finishReason: 'bored' }],
    [
      'negative usage',
      { ...DONE, usage: { promptTokens: -1, imageTokens: 0, cachedTokens: 0, generatedTokens: 0 } },
    ],
    ['a card without limits', { kind: 'ready', versions: VERSIONS, card: { ...CARD, contextTokens: 0 } }],
    ['progress beyond the end', { kind: 'loading', stage: 'x', fraction: 1.5 }],
  ])('refuses %s', (_, message) => {
    expect(parseFromReader(message)).toMatchObject({ kind: 'refused' });
  });

  it('drops what a message has beyond its shape', () => {
    expect(parseFromReader({ ...DONE, extra: 1 })).toEqual({ kind: 'message', message: DONE });
  });
});

const START: ReaderStart = {
  readerId: 'reader1',
  modelName: 'demo',
  projectorFile: null,
  modelBase: null,
  loras: {},
  device: 'cpu',
  api: null,
  gpuLayers: 'auto',
  cudaVisibleDevices: null,
  tensorParallel: 1,
  quantizeCacheBits: null,
  kvHalvings: 0,
  repositoryPath: '/models',
  quantType: 'auto',
  visionQuantType: 'q8_0',
  maxSequenceLength: 0,
  maxBatchSize: 8,
  chatTemplate: null,
  pageCacheSize: '40%',
  imageCacheSize: 268_435_456,
  stepTargetMs: 200,
  imageTokenBudget: 'full',
  prefillChunkSize: 512,
  prefixCache: true,
  threads: 0,
  kernels: 'auto',
  llamaLibDir: null,
  hubEndpoint: 'http://127.0.0.1:9',
  hubOffline: true,
  constrainedDecodingBackend: 'all',
  constraintTimeoutMs: 1_000,
  echo: false,
};
const PARTS = [
  { kind: 'image', image: 0 },
  { kind: 'text', text: 'What is it?' },
] as const;
const GENERATE: GenerateMessage = {
  kind: 'generate',
  requestId: 'r',
  prompts: [
    { kind: 'raw', parts: PARTS },
    { kind: 'conversation', system: 'Be brief.', turns: [{ role: 'user', parts: PARTS }] },
  ],
  images: [{ sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array(3) }],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: 'tenant',
  loraId: 'style',
  sampling: { ...GREEDY, minNewTokens: 1 },
  constraint: { kind: 'json_schema', field: 'json_schema', schema: '{}' },
};
const PARAMETERS = { kind: 'json_schema', field: 'tools[0].function.parameters', schema: '{}' } as const;

describe('parseToReader', () => {
  const VALID_TO_READER: readonly ToReader[] = [
    { kind: 'start', versions: VERSIONS, start: START },
    GENERATE,
    { ...GENERATE, constraint: { kind: 'regex', field: 'regex_string', pattern: 'a' } },
    { ...GENERATE, constraint: { kind: 'choices', field: 'guided_choice', choices: ['a'] } },
    {
      ...GENERATE,
      constraint: {
        kind: 'function_call',
        field: 'tools',
        functions: [{ name: 'f', parameters: PARAMETERS }],
      },
    },
    { kind: 'cancel', requestId: 'r' },
    { kind: 'drain' },
  ];
  it.each(VALID_TO_READER.map((message) => [message.kind, message] as const))(
    'takes %s as it is',
    (_, message) => {
      expect(parseToReader(message)).toEqual({ kind: 'message', message });
    },
  );

  it.each([
    ['an event of a reader', DONE],
    ['a prompt of neither kind', { ...GENERATE, prompts: [PARTS] }],
    [
      'a conversation without turns',
      { ...GENERATE, prompts: [{ kind: 'conversation', system: null, turns: [] }] },
    ],
    [
      'a type of weights that nobody can store',
      { kind: 'start', versions: VERSIONS, start: { ...START, quantType: 'q3_k' } },
    ],
    [
      'a template that nobody can render',
      {
        kind: 'start',
        versions: VERSIONS,
        start: { ...START, chatTemplate: { kind: 'named', name: 'x' } },
      },
    ],
  ])('refuses %s', (_, message) => {
    expect(parseToReader(message)).toMatchObject({ kind: 'refused' });
  });

  it('drops a secret that somebody put into the start message', () => {
    const start = { ...START, accessToken: 'hf_secret' };
    expect(JSON.stringify(parseToReader({ kind: 'start', versions: VERSIONS, start }))).not.toContain(
      'hf_secret',
    );
  });
});

describe('protocol versions', () => {
  const newer = { lifecycle: VERSIONS.lifecycle, requests: VERSIONS.requests + 1 };

  it.each([
    [
      'a reader of another version, naming both',
      () => parseFromReader({ kind: 'ready', versions: newer, card: CARD }),
    ],
    [
      'a supervisor of another version, naming both',
      () => parseToReader({ kind: 'start', versions: newer, start: START }),
    ],
  ])('refuses %s', (_, parse) => {
    expect(parse()).toEqual({
      kind: 'refused',
      why:
        `it speaks version ${newer.lifecycle} of the lifecycle protocol and ${newer.requests} of the request protocol, ` +
        `and this process version ${VERSIONS.lifecycle} of the lifecycle protocol and ${VERSIONS.requests} of the request protocol`,
    });
  });
});
