import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { parseConfigFile } from './config-file.js';
import {
  resolveAddedReader,
  resolveConfig,
  resolveReaderChanges,
  type TakeoffConfig,
} from './resolve-config.js';

const SURROUNDINGS = {
  cacheFolder: '/home/someone/.cache/takeoff',
  demoModelFolder: '/program/models/demo/checkpoint',
  newReaderId: () => 'a-new-id',
};

interface Sources {
  readonly flags?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly file?: string;
}

function resolve({ flags = {}, environment = {}, file }: Sources = {}): TakeoffConfig {
  return resolveConfig({
    flags: new Map(Object.entries(flags)),
    environment,
    file: file === undefined ? undefined : parseConfigFile(file, 'config.yaml'),
    surroundings: SURROUNDINGS,
  });
}
const serverFile = (lines: string) => `takeoff:\n  server_config:\n    ${lines}\n`;
const readerFile = (lines: string) => `takeoff:\n  readers_config:\n    r1:\n      ${lines}\n`;

describe('resolveConfig', () => {
  it('serves the demo model on the documented ports when nothing is configured', () => {
    const { server, readers, warnings } = resolve();
    expect(server).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      managementPort: 3001,
      openaiPort: 3003,
      bodySizeLimitBytes: 20 * 1024 * 1024,
      maxPromptStringBytes: 150_000,
      maxUserBatchSize: 1000,
      allowRemoteImages: false,
      repositoryPath: '/home/someone/.cache/takeoff',
      llamaLibDir: null,
    });
    expect(readers).toEqual([
      {
        readerId: 'a-new-id',
        modelName: '/program/models/demo/checkpoint',
        projectorFile: null,
        modelBase: null,
        loras: {},
        device: 'auto',
        apiUrl: null,
        apiKey: null,
        clusterApiKey: null,
        apiModel: null,
        apiDialect: 'auto',
        apiBusyTimeoutMs: 60_000,
        gpuLayers: 'auto',
        cudaVisibleDevices: null,
        tensorParallel: 1,
        quantizeCacheBits: null,
        consumerGroups: ['primary'],
        bufferRequests: true,
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
        threads: 0,
        constrainedDecodingBackend: 'all',
        constraintTimeoutMs: 1_000,
        kernels: 'auto',
        accessToken: null,
        logLevel: null,
        logAsJson: null,
      },
    ]);
    expect(warnings).toEqual([]);
  });

  it('lets flags win over variables, variables over the file and the file over defaults', () => {
    const file = serverFile('{ port: 1, management_port: 2, max_user_batch_size: 3, max_image_pixels: 4 }');
    const environment = {
      TAKEOFF_PORT: '10',
      TAKEOFF_MANAGEMENT_PORT: '20',
      TAKEOFF_MAX_USER_BATCH_SIZE: '30',
    };
    const { server } = resolve({ flags: { port: '100', 'management-port': '200' }, environment, file });
    expect(server).toMatchObject({ port: 100, managementPort: 200, maxUserBatchSize: 30, maxImagePixels: 4 });
  });

  it('makes one reader of flags and variables together', () => {
    const { readers } = resolve({
      flags: { model: '/models/a' },
      environment: {
        TAKEOFF_MODEL_NAME: '/models/b',
        TAKEOFF_READER_ID: 'mine',
        TAKEOFF_CHAT_TEMPLATE: 'mpt',
      },
    });
    expect(readers).toHaveLength(1);
    expect(readers[0]).toMatchObject({ modelName: '/models/a', readerId: 'mine', chatTemplate: 'mpt' });
  });

  it('takes the path of a file as the chat template, and names of templates in any letter case', () => {
    const templateOf = (given: string) =>
      resolve({ flags: { 'chat-template': given } }).readers[0]?.chatTemplate;
    for (const path of ['/etc/t', './t', 'a\\\\b', 't.jinja', 'T.JINJA2', 'tokenizer_config.json'])
      expect(templateOf(path)).toBe(path);
    expect(templateOf('Plain')).toBe('plain');
  });

  it('makes a reader of every entry of readers_config, with the name of the entry as its id', () => {
    const { readers } = resolve({
      file: 'takeoff:\n  readers_config:\n    a: { model_name: /a, threads: 2 }\n    b: { model_name: /b, consumer_group: g }',
    });
    expect(
      readers.map(({ readerId, modelName, consumerGroups }) => [readerId, modelName, consumerGroups.join()]),
    ).toEqual([
      ['a', '/a', 'primary'],
      ['b', '/b', 'g'],
    ]);
    expect(readers[0]?.threads).toBe(2);
  });

  it('freezes the configuration it returns', () => {
    const config = resolve({ file: readerFile('model_name: /m') });
    for (const part of [config, config.server, config.readers, config.readers[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('treats empty values as not given', () => {
    const file = serverFile('{ port: null, management_port: "" }');
    const { server, readers } = resolve({ environment: { TAKEOFF_PORT: '', TAKEOFF_MODEL_NAME: '' }, file });
    expect([server.port, server.managementPort]).toEqual([3000, 3001]);
    expect(readers[0]?.modelName).toBe(SURROUNDINGS.demoModelFolder);
  });

  describe('on values', () => {
    it.each([
      ['true', true],
      ['false', false],
      ['True', true],
      ['1', true],
      ['0', false],
    ])('reads %s as a boolean', (text, value) => {
      expect(resolve({ environment: { TAKEOFF_ALLOW_REMOTE_IMAGES: text } }).server.allowRemoteImages).toBe(
        value,
      );
    });

    it('reads numbers of config.yaml with and without quotes', () => {
      expect(resolve({ file: serverFile('port: "4000"') }).server.port).toBe(4000);
      expect(resolve({ file: serverFile('port: 4000') }).server.port).toBe(4000);
    });

    it('reads a list of names from text and from a YAML list', () => {
      const environment = { TAKEOFF_RESERVED_CONSUMERS: 'primary, embed' };
      expect(resolve({ environment }).server.reservedConsumers).toEqual(['primary', 'embed']);
      expect(resolve({ file: serverFile('reserved_consumers: [a, b]') }).server.reservedConsumers).toEqual([
        'a',
        'b',
      ]);
      expect(resolve().server.reservedConsumers).toEqual([]);
    });

    it('reads words in any letter case, and the log levels of Python', () => {
      expect(resolve({ environment: { TAKEOFF_LOG_LEVEL: 'INFO' } }).server.logLevel).toBe('info');
      expect(resolve({ environment: { TAKEOFF_LOG_LEVEL: 'WARNING' } }).server.logLevel).toBe('warn');
      expect(resolve({ environment: { TAKEOFF_QUANT_TYPE: 'Q8_0' } }).readers[0]?.quantType).toBe('q8_0');
    });

    it.each([
      ['1', true],
      ['ON', true],
      ['yes', true],
      ['0', false],
      ['nonsense', false],
    ])("reads HF_HUB_OFFLINE=%s as the hub's own tools do", (text, value) => {
      expect(resolve({ environment: { HF_HUB_OFFLINE: text } }).server.hubOffline).toBe(value);
    });

    it('prefers flag, variable and file to HF_ENDPOINT and HF_HUB_OFFLINE', () => {
      const environment = { HF_ENDPOINT: 'https://mirror.example', HF_HUB_OFFLINE: '1' };
      expect(resolve({ environment }).server.hubEndpoint).toBe('https://mirror.example');
      const file = serverFile('{ hub_endpoint: "http://file.example:8080/hub", hub_offline: false }');
      expect(resolve({ environment, file }).server).toMatchObject({
        hubEndpoint: 'http://file.example:8080/hub',
        hubOffline: false,
      });
      const own = { ...environment, TAKEOFF_HUB_ENDPOINT: 'https://own.example' };
      expect(resolve({ environment: own, file }).server.hubEndpoint).toBe('https://own.example');
      expect(resolve().server).toMatchObject({ hubEndpoint: 'https://huggingface.co', hubOffline: false });
    });

    it('reads a key by its older name, and prefers the newer one', () => {
      expect(resolve({ environment: { TAKEOFF_MAX_SEQ_LENGTH: '512' } }).readers[0]?.maxSequenceLength).toBe(
        512,
      );
      const both = readerFile('{ model_name: /m, max_seq_length: 512, max_sequence_length: 1024 }');
      expect(resolve({ file: both }).readers[0]?.maxSequenceLength).toBe(1024);
    });

    it.each([
      ['0', '0'],
      ['[0, 1]', '0,1'],
      ['"1, 2"', '1, 2'],
    ])('GPUs as %s', (given, taken) => {
      const file = readerFile(`{ model_name: /m, cuda_visible_devices: ${given} }`);
      expect(resolve({ file }).readers[0]?.cudaVisibleDevices).toBe(taken);
    });
  });

  describe('refuses', () => {
    it.each<[string, Sources, string]>([
      [
        'a variable that is no number',
        { environment: { TAKEOFF_PORT: 'abc' } },
        'port is "abc", from the environment variable TAKEOFF_PORT; allowed: a whole number from 0 to 65535',
      ],
      [
        'a number out of range',
        { flags: { port: '65536' } },
        'port is "65536", from the flag --port; allowed: a whole',
      ],
      ['a negative number', { file: serverFile('max_user_batch_size: -1') }, 'max_user_batch_size is -1'],
      [
        'a fraction',
        { file: serverFile('port: 1.5') },
        'port is 1.5, from port in server_config of config.yaml',
      ],
      [
        'GPUs that are no numbers',
        { environment: { TAKEOFF_CUDA_VISIBLE_DEVICES: 'a,b' } },
        'allowed: numbers of GPUs separated by commas, such as 0 or 1,2',
      ],
      [
        'several devices for a reader on the CPU',
        { file: readerFile('{ model_name: /m, device: cpu, tensor_parallel: 2 }') },
        'tensor_parallel is 2, and device is cpu',
      ],
      [
        'an odd number of devices',
        { file: readerFile('{ model_name: /m, device: cuda, tensor_parallel: 3 }') },
        'tensor_parallel is 3; allowed are 1 and even numbers up to 16',
      ],
      [
        'more devices than are listed',
        {
          file: readerFile(
            "{ model_name: /m, device: cuda, cuda_visible_devices: '0, 1,2', tensor_parallel: 4 }",
          ),
        },
        'tensor_parallel is 4, and cuda_visible_devices lists 3 (0, 1,2)',
      ],
      [
        'an engine for schemas that there never was',
        { environment: { TAKEOFF_CONSTRAINED_DECODING_BACKEND: 'guidance' } },
        'allowed: all, lmfe, lm-format-enforcer, outlines, llguidance, none',
      ],
      ['scientific notation', { environment: { TAKEOFF_PORT: '3e3' } }, 'port is "3e3"'],
      ['a word that is not allowed', { environment: { TAKEOFF_DEVICE: 'tpu' } }, 'device is "tpu"'],
      [
        'a word that is no boolean',
        { environment: { TAKEOFF_ALLOW_REMOTE_IMAGES: 'yes' } },
        'allowed: true or false',
      ],
      [
        'an unknown template',
        { flags: { 'chat-template': 'v9' } },
        'plain, mpt, or the path of a file with a chat template in Jinja',
      ],
      ['a map as a value', { file: serverFile('port: { a: 1 }') }, 'port is {"a":1}'],
      [
        'an address of the hub that is none, from a variable of other tools',
        { environment: { HF_ENDPOINT: 'hub.example' } },
        'hub_endpoint is "hub.example", from the environment variable HF_ENDPOINT; allowed: an http or https',
      ],
      [
        'an address with a password, without repeating it',
        { environment: { TAKEOFF_HUB_ENDPOINT: 'https://me:secret@hub.example' } },
        'hub_endpoint is "https://…@hub.example"',
      ],
      ['an address of a file', { flags: { 'hub-endpoint': 'file:///etc' } }, 'hub_endpoint is "file:///etc"'],
      ['an address with a query', { flags: { 'hub-endpoint': 'https://a/?b' } }, 'hub_endpoint is'],
      [
        'a key that belongs to readers',
        { file: serverFile('model_name: x') },
        'It belongs to an entry of readers_config',
      ],
      ['a misspelled key of the server', { file: serverFile('prot: 1') }, 'unknown key "prot"'],
      [
        'a reader of the file without a model',
        { file: readerFile('device: cpu') },
        'readers_config.r1 of config.yaml has no model_name',
      ],
      [
        'the same port for an API and the autoscaler',
        { flags: { 'internal-port': '3001', 'redis-url': 'redis://127.0.0.1' } },
        'management_port and internal_port are both 3001; they must differ.',
      ],
      ['the same port for both APIs', { flags: { port: '3001' } }, 'port and management_port are both 3001'],
      [
        'the same port for management and the OpenAI API',
        { flags: { 'openai-port': '3001' } },
        'management_port and openai_port are both 3001; they must differ.',
      ],
    ])('%s', (_, sources, sentence) => {
      expect(() => resolve(sources)).toThrow(ConfigError);
      expect(() => resolve(sources)).toThrow(sentence);
    });

    it('readers in the file together with one in variables or flags, and names both', () => {
      const file = readerFile('model_name: /m');
      const clash =
        /config\.yaml defines the readers \(r1\), and the environment variable TAKEOFF_DEVICE sets one too/u;
      expect(() => resolve({ file, environment: { TAKEOFF_DEVICE: 'cpu' } })).toThrow(clash);
      expect(() => resolve({ file, flags: { model: '/n' } })).toThrow(/the flag --model sets one too/u);
    });

    it('a secret of the wrong kind without printing it', () => {
      const refusal = () => resolve({ file: serverFile('access_token: [hf_secret]') });
      expect(refusal).toThrow(/access_token is set to a value that is not shown/u);
      expect(refusal).not.toThrow(/hf_secret/u);
    });

    it('a long value without repeating all of it', () => {
      expect.assertions(1);
      try {
        resolve({ environment: { TAKEOFF_PORT: 'x'.repeat(10_000) } });
      } catch (error) {
        expect(String(error).length).toBeLessThan(400);
      }
    });
  });

  describe('warns of', () => {
    it("Takeoff's keys that have no effect here", () => {
      const file =
        'takeoff:\n  server_config: { vertex_port: 3002, snowflake_port: 3004 }\n  readers_config:\n' +
        '    r1: { model_name: /m, backend: x, colour: red }';
      expect(resolve({ file }).warnings).toEqual([
        'Without effect in this version, from server_config: vertex_port, snowflake_port.',
        'Without effect in this version, from readers_config.r1: backend, colour (unknown).',
      ]);
    });

    it('internal_port where no gateway asks Redis', () => {
      const environment = { TAKEOFF_INTERNAL_PORT: '3005' };
      const redis = { ...environment, TAKEOFF_REDIS_URL: 'redis://127.0.0.1' };
      const warning =
        'internal_port has no effect but in a gateway with redis_url: readers of one machine need no port of it.';
      expect(resolve({ environment }).warnings).toEqual([warning]);
      expect(resolve({ environment: { ...redis, TAKEOFF_HEADLESS: 'true' } }).warnings).toEqual([warning]);
      expect(resolve({ environment: redis }).warnings).toEqual([]);
    });

    it('remote_image_allowlist while remote images are off', () => {
      const environment = { TAKEOFF_REMOTE_IMAGE_ALLOWLIST: 'store.internal' };
      expect(resolve({ environment }).warnings).toEqual([
        'remote_image_allowlist has no effect while allow_remote_images is off.',
      ]);
      expect(
        resolve({ environment: { ...environment, TAKEOFF_ALLOW_REMOTE_IMAGES: 'true' } }).warnings,
      ).toEqual([]);
    });

    it('variables that no setting reads, but not of LICENSE_KEY', () => {
      const environment = {
        TAKEOFF_BACKEND: '1',
        TAKEOFF_PROT: '1',
        LICENSE_KEY: 'x',
        TAKEOFF_CONFIG_FILE: 'c',
      };
      expect(resolve({ environment }).warnings).toEqual([
        'Without effect in this version, from the environment: TAKEOFF_BACKEND, TAKEOFF_PROT.',
      ]);
    });
  });

  it('takes a token and a log level of its own from the entry of a reader', () => {
    const file = readerFile('{ model_name: /a, access_token: hf_of_r1, log_level: WARNING }');
    const { readers, warnings } = resolve({ file, environment: { TAKEOFF_ACCESS_TOKEN: 'hf_of_all' } });
    expect(readers[0]).toMatchObject({ accessToken: 'hf_of_r1', logLevel: 'warn' });
    expect(warnings).toEqual([]);
  });

  it('gives the token and the log level of flags and variables to the server, for all readers', () => {
    const { server, readers } = resolve({
      environment: { TAKEOFF_ACCESS_TOKEN: 'hf_of_all', TAKEOFF_LOG_LEVEL: 'DEBUG' },
    });
    expect(server).toMatchObject({ accessToken: 'hf_of_all', logLevel: 'debug' });
    expect(readers[0]).toMatchObject({ accessToken: null, logLevel: null });
  });

  it.each(['awq', 'AWQ', 'gptq'])('says what to do instead of quant_type %s', (type) => {
    expect(() => resolve({ environment: { TAKEOFF_QUANT_TYPE: type } })).toThrow(
      /allowed: auto, f32.*name the original checkpoint, with q4_0 or q4_k_m for 4 bits/u,
    );
  });

  it('lets both ports be the same when the management port is not opened', () => {
    const environment = { TAKEOFF_MANAGEMENT_PORT: '3000', TAKEOFF_LAUNCH_MANAGEMENT_SERVER: 'false' };
    expect(resolve({ environment }).server.launchManagementServer).toBe(false);
  });

  it('ignores the variables that Kubernetes sets beside a service named takeoff', () => {
    const environment = {
      TAKEOFF_PORT: 'tcp://10.0.0.1:3000',
      TAKEOFF_PORT_3000_TCP_ADDR: '10.0.0.1',
      TAKEOFF_SERVICE_HOST: '10.0.0.1',
      TAKEOFF_SERVICE_PORT_HTTP: '3000',
    };
    const { server, warnings } = resolve({ environment });
    expect(server.port).toBe(3000);
    expect(warnings).toEqual([]);
  });
});

describe('max_batch_size in server_config', () => {
  const file = `takeoff:\n  server_config:\n    max_batch_size: 3\n  readers_config:\n    a:\n      model_name: m\n    b:\n      model_name: m\n      max_batch_size: 5\n`;

  it('counts for readers that do not set it, those that are added later included', () => {
    const { readers, readerDefaults, warnings } = resolve({ file });
    expect([readers.map(({ maxBatchSize }) => maxBatchSize), warnings]).toEqual([[3, 5], []]);
    const added = (keys: object) =>
      resolveAddedReader({ model_name: 'm', ...keys }, SURROUNDINGS, readerDefaults).maxBatchSize;
    expect([added({}), added({ max_batch_size: 7 })]).toEqual([3, 7]);
  });
});

describe('resolveAddedReader', () => {
  it('takes settings of a request as those of the file, with an id of its own', () => {
    const asked = {
      model_name: 'owner/model',
      device: 'cpu',
      consumer_groups: ['a', 'b'],
      max_sequence_length: '512',
      max_batch_size: null,
      tensor_parallel: null,
    };
    expect(resolveAddedReader(asked, SURROUNDINGS)).toMatchObject({
      readerId: 'a-new-id',
      modelName: 'owner/model',
      consumerGroups: ['a', 'b'],
      maxSequenceLength: 512,
      maxBatchSize: 8,
    });
    expect(resolveAddedReader({ model_name: 'm', reader_id: 'mine' }, SURROUNDINGS).readerId).toBe('mine');
  });

  it('names what is missing or not allowed', () => {
    expect(() => resolveAddedReader({ device: 'cpu' }, SURROUNDINGS)).toThrow('model_name is missing');
    expect(() => resolveAddedReader({ model_name: 'm', max_batch_size: 0 }, SURROUNDINGS)).toThrow(
      'max_batch_size is 0, from max_batch_size in the request; allowed: a whole number from 1 to 256.',
    );
  });
});

describe('resolveReaderChanges', () => {
  it('tells only what is to be changed', () => {
    expect(resolveReaderChanges({ consumer_group: 'a,b', log_level: 'WARNING' })).toEqual({
      consumerGroups: ['a', 'b'],
      logLevel: 'warn',
    });
    expect(resolveReaderChanges({ loras: { style: '/style' } })).toEqual({ loras: { style: '/style' } });
    expect(resolveReaderChanges({ loras: {} })).toEqual({ loras: {} });
  });

  it('says what can be changed', () => {
    expect(() => resolveReaderChanges({ model_name: 'm' })).toThrow('"model_name" cannot be changed while');
    expect(() => resolveReaderChanges({})).toThrow('names nothing to change; allowed: loras, consumer_group');
  });
});

describe('a process among many', () => {
  const redis = { TAKEOFF_REDIS_URL: 'redis://127.0.0.1:6379' };

  it('is a reader with headless, and a gateway without', () => {
    expect(resolve({ environment: redis }).server).toMatchObject({ headless: false });
    expect(resolve({ environment: { ...redis, TAKEOFF_HEADLESS: 'true' } }).server.headless).toBe(true);
  });

  it('that is headless needs to know where Redis is', () => {
    expect(() => resolve({ environment: { TAKEOFF_HEADLESS: 'true' } })).toThrow(
      'headless is true and redis_url is not set',
    );
  });

  it('that is headless has one reader', () => {
    const file = 'takeoff:\n  readers_config:\n    a: { model_name: m }\n    b: { model_name: m }\n';
    expect(() => resolve({ environment: { ...redis, TAKEOFF_HEADLESS: 'true' }, file })).toThrow(
      'the configuration has 2 readers (a, b); allowed is one',
    );
  });

  it.each(['http://host', 'redis://', 'redis://host/name', 'redis://host?x=1', 'host:6379'])(
    'is not told where Redis is by %s, and the message repeats no password',
    (url) => {
      const message = 'redis_url is set to a value that is not shown, from the environment variable';
      expect(() => resolve({ environment: { TAKEOFF_REDIS_URL: url } })).toThrow(message);
    },
  );

  it('has a reader id of its own with add_reader_id_suffix', () => {
    const environment = { TAKEOFF_READER_ID: 'r', TAKEOFF_ADD_READER_ID_SUFFIX: 'true' };
    expect(resolve({ environment }).readers.map(({ readerId }) => readerId)).toEqual(['r_a-new-id']);
  });
});
