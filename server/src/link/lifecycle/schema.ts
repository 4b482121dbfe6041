// The shapes of the lifecycle protocol, for whoever receives. What a message has beyond its shape is dropped.
import { z } from 'zod';
import { imageFormSchema, TEMPLATE_NAMES } from '../../model/description.js';
import { CACHE_BITS } from '../../model/cache-bits.js';
import { CONSTRAINED_DECODING } from '../../model/constrained-decoding.js';
import { imageTokenBudgetSchema } from '../../model/image-token-budget.js';
import { API_DIALECT_CHOICES } from '../../model/api-dialect.js';
import { READER_DEVICES } from '../../model/device.js';
import { KERNEL_CHOICES } from '../../model/kernels.js';
import { memorySizeSchema } from '../../model/memory-size.js';
import { TEXT_QUANT_CHOICES, TOWER_QUANT_CHOICES } from '../../model/quantisation.js';
import type { LifecycleEvent, LifecycleMessage, ReaderCard } from './messages.js';
import { readerCountsSchema } from './reader-counts.js';

/** An explanation of many lines; more would be an attack on the log. */
const MAX_TEXT_CHARACTERS = 65_536;

const text = z.string().max(MAX_TEXT_CHARACTERS);
const count = z.int().min(0);
const versions = z.object({ lifecycle: count, requests: count });

/** From the supervisor, by kind. */
export const lifecycleMessageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    versions,
    start: z.object({
      readerId: text,
      modelName: text,
      projectorFile: text.nullable(),
      modelBase: text.nullable(),
      loras: z.record(z.string(), z.string()),
      device: z.enum(READER_DEVICES),
      api: z
        .object({
          url: text,
          model: text.nullable(),
          dialect: z.enum(API_DIALECT_CHOICES),
          busyTimeoutMs: count,
        })
        .nullable(),
      gpuLayers: z.union([count, z.literal('auto')]),
      cudaVisibleDevices: text.nullable(),
      tensorParallel: z.int().min(1),
      quantizeCacheBits: z.literal(CACHE_BITS).nullable(),
      kvHalvings: count,
      repositoryPath: text,
      quantType: z.enum(TEXT_QUANT_CHOICES),
      visionQuantType: z.enum(TOWER_QUANT_CHOICES),
      maxSequenceLength: count,
      maxBatchSize: z.int().min(1),
      chatTemplate: z
        .discriminatedUnion('kind', [
          z.object({ kind: z.literal('named'), name: z.enum(TEMPLATE_NAMES) }),
          z.object({ kind: z.literal('file'), path: text }),
        ])
        .nullable(),
      pageCacheSize: memorySizeSchema.nullable(),
      imageCacheSize: memorySizeSchema,
      imageTokenBudget: imageTokenBudgetSchema,
      stepTargetMs: z.union([z.int().min(1), z.literal('auto')]),
      prefillChunkSize: z.int().min(1),
      prefixCache: z.boolean(),
      threads: count,
      kernels: z.enum(KERNEL_CHOICES),
      llamaLibDir: text.nullable(),
      hubEndpoint: text,
      hubOffline: z.boolean(),
      constrainedDecodingBackend: z.enum(CONSTRAINED_DECODING),
      constraintTimeoutMs: z.int().min(1),
      echo: z.boolean(),
    }),
  }),
  z.object({ kind: z.literal('drain') }),
  z.object({ kind: z.literal('limit'), maxBatchSize: z.int().min(1) }),
]) satisfies z.ZodType<LifecycleMessage>;

export const readerCardSchema = z.object({
  modelName: text,
  modelType: text,
  device: text,
  deviceReason: text,
  contextTokens: z.int().min(1),
  maxSequences: z.int().min(1),
  vision: imageFormSchema.nullable(),
  imageTokenBudget: imageTokenBudgetSchema,
  loras: z.array(z.string()),
}) satisfies z.ZodType<ReaderCard>;

/** From the reader, by kind. */
export const lifecycleEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loading'), stage: text, fraction: z.number().min(0).max(1).nullable() }),
  z.object({ kind: z.literal('ready'), versions, card: readerCardSchema }),
  z.object({ kind: z.literal('failed'), code: text, message: text }),
  z.object({ kind: z.literal('log'), level: z.enum(['debug', 'info', 'warn', 'error']), message: text }),
  z.object({ kind: z.literal('heartbeat'), running: count, steps: count, counts: readerCountsSchema }),
]) satisfies z.ZodType<LifecycleEvent>;
