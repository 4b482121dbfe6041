// The settings of a reader, a loaded model: one entry of `takeoff.readers_config` in config.yaml, or flags and variables.
import { DEFAULT_CONSUMER_GROUP } from 'takeoff-wire';
import { z } from 'zod';
import { TEMPLATE_NAMES } from '../model/description.js';
import { CONSTRAINED_DECODING } from '../model/constrained-decoding.js';
import { CACHE_BITS } from '../model/cache-bits.js';
import { API_DIALECT_CHOICES } from '../model/api-dialect.js';
import { READER_DEVICES } from '../model/device.js';
import { KERNEL_CHOICES } from '../model/kernels.js';
import { TEXT_QUANT_CHOICES, TOWER_QUANT_CHOICES } from '../model/quantisation.js';
import { settingsOf } from './layers.js';
import { LOG_LEVELS, PYTHON_LOG_LEVELS } from './log-level.js';
import {
  boolean,
  choice,
  computedSetting,
  integer,
  integerOr,
  memorySize,
  namedTexts,
  optionalBoolean,
  optionalChoice,
  optionalChoiceOrPath,
  optionalMemorySize,
  optionalNumberList,
  optionalNumberOf,
  optionalText,
  optionalWebAddress,
  secretText,
  setting,
  someNames,
  text,
} from './setting.js';

const loadsNone = (type: string): string =>
  `This server quantises the original 16-bit weights itself and loads no ${type} checkpoint: name the original checkpoint, with q4_0 or q4_k_m for 4 bits.`;

/** Types of Takeoff and of other servers that are stored in the checkpoint and not made here. */
const QUANT_ADVICE = { awq: loadsNone('AWQ'), gptq: loadsNone('GPTQ') } as const;

export const readerConfigSchema = z.object({
  readerId: computedSetting(
    text('a name of its own for each reader'),
    {
      text: 'a random UUID; in config.yaml the name of the entry',
      value: ({ newReaderId }) => newReaderId(),
    },
    { key: 'reader_id', meaning: 'Name of the reader in /status.' },
  ),
  modelName: computedSetting(
    text('a folder, a GGUF file, or owner/name of the model hub'),
    { text: 'the demo model', value: ({ demoModelFolder }) => demoModelFolder },
    { key: 'model_name', flag: 'model', meaning: 'The model to serve.' },
  ),
  projectorFile: setting(optionalText('a file name in the folder of the model, or a path'), null, {
    key: 'projector_file',
    meaning: 'The mmproj file of a GGUF model, where several lie beside it or its name does not tell.',
  }),
  modelBase: setting(optionalText('a folder, or owner/name of the model hub'), null, {
    key: 'model_base',
    meaning:
      'The base of a LoRA checkpoint of LLaVA, where base_model_name_or_path of its adapter_config.json names none that is at hand.',
  }),
  loras: computedSetting(
    namedTexts(
      'a mapping of names to folders, GGUF files or owner/name of the model hub; as text name=path,name=path',
    ),
    { text: '', value: () => ({}) },
    {
      key: 'loras',
      meaning: 'LoRA adapters that requests choose by `lora_id`: folders of PEFT or GGUF files.',
    },
  ),
  device: setting(choice(READER_DEVICES), 'auto', {
    key: 'device',
    meaning:
      'Where the model computes. auto takes the best device that is installed and works, else the CPU; one that is named and not there stops the reader. See docs/gpu.md. api has the cluster of api_url answer: docs/api-readers.md.',
  }),
  apiUrl: setting(optionalWebAddress(), null, {
    key: 'api_url',
    meaning:
      "Of a cluster that speaks OpenAI's API (vLLM, SGLang, TGI), for device api. Without a path, /v1 is added. See docs/api-readers.md.",
  }),
  apiKey: setting(secretText(1), null, {
    key: 'api_key',
    meaning:
      "Key that the cluster of this reader's api_url is shown, as a bearer token. That of the server, for its own clients, goes to no cluster.",
    isForFileEntries: true,
    isSecret: true,
  }),
  clusterApiKey: setting(secretText(1), null, {
    key: 'cluster_api_key',
    meaning:
      'The same for a reader that flags or variables set, where api_key is the key of the server for its clients.',
    isSecret: true,
  }),
  apiModel: setting(optionalText('the name of a model of the cluster'), null, {
    key: 'api_model',
    meaning:
      'Model of the cluster that answers. Where it is not set, model_name counts, and without that the only model that the cluster serves.',
  }),
  apiDialect: setting(choice(API_DIALECT_CHOICES), 'auto', {
    key: 'api_dialect',
    meaning:
      'Which server the cluster is, and with it what requests may ask for. auto asks it; openai is what the API itself has.',
  }),
  apiBusyTimeoutMs: setting(integer(0, 24 * 3_600_000, 'milliseconds'), 60_000, {
    key: 'api_busy_timeout_ms',
    meaning:
      'How long a prompt waits for a cluster that has no room (429, 503) before it is answered with cluster.busy.',
  }),
  gpuLayers: setting(integerOr('auto', 0, 10_000, 'layers, the output counted as one'), 'auto', {
    key: 'gpu_layers',
    meaning:
      'Layers of the language model on GPUs; the others compute on the processor. auto takes as many as fit beside the tower and the KV cache.',
  }),
  cudaVisibleDevices: setting(
    optionalNumberList('numbers of GPUs separated by commas, such as 0 or 1,2'),
    null,
    {
      key: 'cuda_visible_devices',
      meaning: 'GPUs that this reader sees, in the order of the driver. All of them when not set.',
    },
  ),
  tensorParallel: setting(integer(1, 16, 'devices, 1 or an even number'), 1, {
    key: 'tensor_parallel',
    meaning:
      'GPUs over which the layers of the language model are split, no more than cuda_visible_devices lists.',
  }),
  quantizeCacheBits: setting(optionalNumberOf(CACHE_BITS), null, {
    key: 'quantize_cache_bits',
    meaning:
      'Bits of a number in the KV cache: 8 halves its memory, 4 quarters it and costs accuracy. 16 when not set, and 32 with quant_type f32.',
  }),
  consumerGroups: setting(someNames('names separated by commas'), [DEFAULT_CONSUMER_GROUP], {
    key: 'consumer_group',
    aliases: ['consumer_groups'],
    meaning: 'Queues that the reader takes requests from; readers of one group share it.',
  }),
  bufferRequests: setting(boolean(), true, {
    key: 'buffer_requests',
    meaning:
      'Whether requests wait for this reader while it comes back after its end. Off, they are refused until it is live, unless another reader of their group is.',
  }),
  quantType: setting({ ...choice(TEXT_QUANT_CHOICES), advice: QUANT_ADVICE }, 'auto', {
    key: 'quant_type',
    meaning:
      'Type that the weights of the language model are stored in. auto is f16 for small models and q4_0 above 2 GB; on a GPU the most exact of f16, q8_0 and q4_0 that fits.',
  }),
  visionQuantType: setting(choice(TOWER_QUANT_CHOICES), 'auto', {
    key: 'vision_quant_type',
    meaning:
      'Type that the weights of the vision tower are stored in. auto keeps 16 bits or better, bf16 for processors and f16 for GPUs; q8_0 is faster on many processors and less exact.',
  }),
  maxSequenceLength: setting(integer(0, 10_000_000, 'tokens; 0 takes what the model can hold'), 0, {
    key: 'max_sequence_length',
    aliases: ['max_seq_length'],
    meaning: 'Longest prompt and answer together, tokens of images included.',
  }),
  maxBatchSize: setting(integer(1, 256), 8, {
    key: 'max_batch_size',
    meaning: 'Answers that are generated at the same time.',
  }),
  chatTemplate: setting(optionalChoiceOrPath(TEMPLATE_NAMES, 'a file with a chat template in Jinja'), null, {
    key: 'chat_template',
    meaning: 'Template for `use_chat_template`. Chosen from the model when not set.',
  }),
  pageCacheSize: setting(optionalMemorySize(), null, {
    key: 'page_cache_size',
    meaning:
      'Memory for keys and values of prompts and answers. Where it is not set, as much as `max_batch_size` answers of full length need, up to 30 % of the free memory, or what is free on the GPU.',
  }),
  imageCacheSize: setting(memorySize(), 256 * 2 ** 20, {
    key: 'image_cache_size',
    meaning:
      'Memory for encoded images, so that one that is asked about again need not be encoded. The default holds about 28 images of 576 tokens of a 7 B model.',
  }),
  imageTokenBudget: setting(integerOr('full', 1, 1_000_000, 'tokens'), 'full', {
    key: 'image_token_budget',
    meaning:
      'Tokens that an image takes at most where a request says nothing: fewer are faster and less exact. See docs/fewer-tokens.md.',
  }),
  stepTargetMs: setting(integerOr('auto', 1, 60_000, 'milliseconds'), 'auto', {
    key: 'step_target_ms',
    meaning:
      'Time between two tokens of an answer while prompts of others are read and their images encoded. auto takes 3.6 times what a token takes alone, 4 times beside prompts with images, 40 ms at least. Less makes answers smoother and first tokens later.',
  }),
  prefillChunkSize: setting(integer(1, 512, 'tokens'), 512, {
    key: 'prefill_chunk_size',
    meaning:
      'Tokens of prompts that one step computes at most. A reader on a slow GPU takes fewer, as many as it computes in two seconds.',
  }),
  prefixCache: setting(boolean(), true, {
    key: 'prefix_cache',
    meaning:
      'Whether what was computed of prompts is kept for those that begin alike, such as a second question about an image.',
  }),
  threads: setting(integer(0, 1024, '0 takes one for each physical core'), 0, {
    key: 'threads',
    meaning: 'Threads that the model computes with.',
  }),
  constrainedDecodingBackend: setting(choice(CONSTRAINED_DECODING), 'all', {
    key: 'constrained_decoding_backend',
    meaning:
      'Whether answers can be bound to a schema or a pattern: none refuses such requests, every other word allows them. One engine does what all of them do, and requests may name any; see structured-output.md.',
  }),
  constraintTimeoutMs: setting(integer(1, 60_000, 'ms'), 1_000, {
    key: 'constraint_timeout_ms',
    meaning:
      'How long a schema or pattern may take to compile before it is refused, in time of the processor where the system tells it, by the clock four times as long at most.',
  }),
  kernels: setting(choice(KERNEL_CHOICES), 'auto', {
    key: 'kernels',
    meaning:
      "Our own CPU kernels for matrix products and attention. auto uses them where they were measured to be faster than llama.cpp's, off never; a name uses those of that instruction set.",
  }),
  accessToken: setting(optionalText('a token of the model hub'), null, {
    key: 'access_token',
    meaning: "Token of this reader's model. Where it is not set, that of the server counts.",
    isForFileEntries: true,
    isSecret: true,
  }),
  logLevel: setting(optionalChoice(LOG_LEVELS, PYTHON_LOG_LEVELS), null, {
    key: 'log_level',
    meaning: 'Least important log lines of this reader. Where it is not set, the level of the server counts.',
    isForFileEntries: true,
  }),
  logAsJson: setting(optionalBoolean(), null, {
    key: 'reader_log_as_json',
    meaning:
      'Whether log lines of this reader are JSON objects; off, they are lines for people. Where it is not set, they are as those of the server: for people on a terminal, JSON elsewhere.',
  }),
});

export type ReaderConfig = Readonly<z.infer<typeof readerConfigSchema>>;
export const READER_SETTINGS = settingsOf(readerConfigSchema);
