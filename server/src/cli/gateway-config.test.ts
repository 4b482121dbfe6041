import { resolve } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../config/resolve-config.js';
import { toGatewayConfig } from './gateway-config.js';

/** A value for each variable that no other variable has, so that mixed-up settings are noticed. */
const ENVIRONMENT = {
  TAKEOFF_PORT: '11',
  TAKEOFF_MANAGEMENT_PORT: '12',
  TAKEOFF_OPENAI_PORT: '16',
  TAKEOFF_INTERNAL_PORT: '17',
  TAKEOFF_BODY_SIZE_LIMIT_BYTES: '2001',
  TAKEOFF_MAX_PROMPT_STRING_BYTES: '2002',
  TAKEOFF_MAX_USER_BATCH_SIZE: '2003',
  TAKEOFF_REQUEST_TIMEOUT_MS: '2004',
  TAKEOFF_FIRST_TOKEN_TIMEOUT_MS: '2005',
  TAKEOFF_READER_MESSAGE_TIMEOUT_MS: '2006',
  TAKEOFF_MAX_IMAGE_PIXELS: '2007',
  TAKEOFF_IMAGE_DECODE_TIMEOUT_MS: '2008',
  TAKEOFF_IMAGE_DECODE_CONCURRENCY: '9',
  TAKEOFF_MAX_QUEUED_REQUESTS: '2009',
  TAKEOFF_SHUTDOWN_DEADLINE_MS: '2010',
  TAKEOFF_RESERVED_CONSUMERS: 'a,b',
  TAKEOFF_ALLOW_REMOTE_IMAGES: 'true',
  TAKEOFF_REMOTE_IMAGE_DOMAINS: '*.example.com,Images.example',
  TAKEOFF_REMOTE_IMAGE_PORTS: '443, 8443',
  TAKEOFF_REMOTE_IMAGE_ALLOWLIST: 'store.internal',
  TAKEOFF_REMOTE_IMAGE_TIMEOUT_MS: '2011',
  TAKEOFF_REMOTE_IMAGE_MAX_BYTES: '2012',
  TAKEOFF_REMOTE_IMAGE_CONCURRENCY: '13',
  TAKEOFF_MAX_IMAGES_PER_PROMPT: '14',
  TAKEOFF_MAX_IMAGES_PER_REQUEST: '15',
  TAKEOFF_API_KEY: 'key_secret',
  TAKEOFF_CORS_ORIGINS: 'https://a.example, https://b.example',
  TAKEOFF_PLAYGROUND_API: 'https://api.example',
  TAKEOFF_ACCESS_TOKEN: 'hf_secret',
  TAKEOFF_MODEL_NAME: '/m',
  TAKEOFF_CONSUMER_GROUP: 'g',
  TAKEOFF_LLAMA_LIB_DIR: '/libs',
  TAKEOFF_ECHO: 'true',
  TAKEOFF_READER_LOG_AS_JSON: 'true',
  TAKEOFF_HUB_ENDPOINT: 'https://mirror.example',
  TAKEOFF_HUB_OFFLINE: 'true',
};

const SOURCES = {
  flags: new Map<string, string>(),
  environment: ENVIRONMENT,
  file: undefined,
  surroundings: { cacheFolder: '/cache', demoModelFolder: '/demo', newReaderId: () => 'id' },
};

const SILENT = pino({ level: 'silent' });
const LOGS = { log: SILENT, logForms: { json: SILENT, forPeople: SILENT } };

describe('toGatewayConfig', () => {
  const config = resolveConfig(SOURCES);
  const gateway = toGatewayConfig(config, LOGS);

  it('passes every limit of the configuration on to the gateway', () => {
    expect(gateway).toMatchObject({
      host: '127.0.0.1',
      port: 11,
      managementPort: 12,
      openaiPort: 16,
      scalerPort: 17,
      limits: {
        bodySizeLimitBytes: 2001,
        maxPromptStringBytes: 2002,
        maxUserBatchSize: 2003,
        requestTimeoutMs: 2004,
        headersTimeoutMs: 2004,
        firstTokenTimeoutMs: 2005,
        readerMessageTimeoutMs: 2006,
        allowRemoteImages: true,
        maxImagesPerPrompt: 14,
        maxImagesPerRequest: 15,
      },
      image: { maxImagePixels: 2007, decodeTimeoutMs: 2008, decodeConcurrency: 9 },
      remoteImages: {
        domains: ['*.example.com', 'images.example'],
        ports: [443, 8443],
        privateHosts: ['store.internal'],
        timeoutMs: 2011,
        maxBytes: 2012,
        concurrency: 13,
      },
      apiKey: 'key_secret',
      maxOpenRequests: 2009,
      shutdownDeadlineMs: 2010,
      reservedConsumers: ['a', 'b'],
      corsOrigins: ['https://a.example', 'https://b.example'],
      page: { apiAddress: 'https://api.example' },
    });
  });

  it('has no page where the configuration switches it off', () => {
    const off = resolveConfig({ ...SOURCES, flags: new Map([['playground', 'false']]) });
    expect(toGatewayConfig(off, LOGS).page).toBeNull();
  });

  it('gives each reader its own settings and those of the server that concern readers', () => {
    expect(gateway.readers).toEqual([
      {
        consumerGroups: ['g'],
        buffersRequests: true,
        shown: expect.objectContaining({
          reader_id: 'id',
          consumer_group: ['g'],
          access_token: null,
        }) as object,
        start: {
          readerId: 'id',
          modelName: '/m',
          projectorFile: null,
          modelBase: null,
          loras: {},
          device: 'auto',
          api: null,
          gpuLayers: 'auto',
          cudaVisibleDevices: null,
          tensorParallel: 1,
          quantizeCacheBits: null,
          kvHalvings: 0,
          quantType: 'auto',
          visionQuantType: 'auto',
          maxSequenceLength: 0,
          maxBatchSize: 8,
          chatTemplate: null,
          pageCacheSize: null,
          imageCacheSize: 268_435_456,
          imageTokenBudget: 'full',
          stepTargetMs: 'auto',
          prefillChunkSize: 512,
          prefixCache: true,
          constrainedDecodingBackend: 'all',
          constraintTimeoutMs: 1_000,
          threads: 0,
          kernels: 'auto',
          repositoryPath: '/cache',
          llamaLibDir: '/libs',
          hubEndpoint: 'https://mirror.example',
          hubOffline: true,
          echo: true,
        },
        logging: { level: null, asJson: true },
        secrets: { hubAccessToken: 'hf_secret', apiKey: null },
      },
    ]);
  });

  it.each([
    ['plain', { kind: 'named', name: 'plain' }],
    ['/t/a.jinja', { kind: 'file', path: '/t/a.jinja' }],
    ['a.jinja', { kind: 'file', path: resolve('a.jinja') }],
  ])('hands the chat template %s to the reader by name or by absolute path', (given, chatTemplate) => {
    const flags = new Map([['chat-template', given]]);
    const withTemplate = resolveConfig({ ...SOURCES, flags });
    const { readers } = toGatewayConfig(withTemplate, LOGS);
    expect(readers[0]?.start.chatTemplate).toEqual(chatTemplate);
  });

  it('has the shown configuration under the keys of config.yaml, without secrets', () => {
    expect(gateway.shownConfig).toMatchObject({ port: 11, body_size_limit_bytes: 2001 });
    expect(JSON.stringify(gateway.shownConfig)).not.toMatch(/hf_secret|key_secret/u);
  });
});
