// What /status answers: on the inference port without anything that only an operator should see, on the management port with it.
import { z } from 'zod';

/** Why a dead reader is dead, in so far as anybody may know. The management port has the reason in words. */
export const readerFailureSchema = z.object({
  code: z.string(),
  /** Whether it is started again by itself; otherwise the operator must act. */
  restarts: z.boolean(),
});
export type ReaderFailure = z.infer<typeof readerFailureSchema>;

/** A reader as anybody may see it. */
export const maskedReaderSchema = z.object({
  model_name: z.string(),
  /** The architecture; empty until the model has been loaded once. */
  model_type: z.string(),
  device: z.string(),
  consumer_groups: z.array(z.string()),
  /** Answers that it generates at the same time. */
  max_batch_size: z.int(),
  /** Adapters that requests may name as `lora_id`; absent while the reader is not live. */
  loras: z.array(z.string()).optional(),
  /** Of a dead reader. */
  failure: readerFailureSchema.optional(),
});
export type MaskedReader = z.infer<typeof maskedReaderSchema>;

/** Whether the readers of a group take requests at this moment. */
export const groupReadinessSchema = z.object({
  ready: z.boolean(),
  /** The code of what keeps every reader of it from ever taking any. */
  failure: z.string().optional(),
});
export type GroupReadiness = z.infer<typeof groupReadinessSchema>;

/** GET /status on the inference port. */
export const statusResponseSchema = z.object({
  live_readers: z.record(z.string(), maskedReaderSchema),
  dead_readers: z.record(z.string(), maskedReaderSchema),
  /** By name. */
  consumer_groups: z.record(z.string(), groupReadinessSchema),
  ports: z.array(z.int()),
});
export type StatusResponse = z.infer<typeof statusResponseSchema>;

/** A reader as the management port shows it. */
export const readerDetailsSchema = maskedReaderSchema.extend({
  consumer_name: z.string(),
  pids: z.array(z.int()),
  /** Where loading stands, or why the reader is dead. */
  detail: z.string(),
  /** Which device it computes on in full, and why that one; empty until it is live. */
  device_reason: z.string().optional(),
  /** How far a reader that loads is, from 0 to 1; null where nobody can tell. */
  progress: z.number().nullable().optional(),
  /** How often it was started again after it had died. */
  restarts: z.int().optional(),
  /** Prompts that the gateway has handed to the reader and that have not ended. */
  open_prompts: z.int(),
});
export type ReaderDetails = z.infer<typeof readerDetailsSchema>;

export const heartbeatSchema = z.object({
  /** Seconds since 1970. */
  heartbeat_timestamp: z.number(),
  /** Seconds between two of them. */
  heartbeat_wait_interval: z.number(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** GET /reader_groups: the readers of each group, by its name. */
export const readerGroupsSchema = z.record(
  z.string(),
  z.array(readerDetailsSchema.extend({ reader_id: z.string() })),
);
export type ReaderGroups = z.infer<typeof readerGroupsSchema>;

/** GET /status on the management port. */
export const managementStatusSchema = z.object({
  config: z.record(z.string(), z.unknown()),
  status: z.object({
    live_readers: z.record(z.string(), readerDetailsSchema),
    dead_readers: z.record(z.string(), readerDetailsSchema),
    loading_readers: z.record(z.string(), readerDetailsSchema),
    consumer_groups: z.record(z.string(), groupReadinessSchema),
    /** Of readers that have given a sign of life, by id. */
    last_heartbeat: z.record(z.string(), heartbeatSchema),
  }),
});
export type ManagementStatus = z.infer<typeof managementStatusSchema>;
