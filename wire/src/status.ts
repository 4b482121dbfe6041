// What /status answers: on the inference port without anything that only an operator should see, on the management port with it.
import { z } from 'zod';

/** Why a dead reader is dead, in so far as anybody may know. The management port has the reason in words. */
export const readerFailureSchema = z
  .object({
    code: z.string(),
    restarts: z.boolean().describe('Whether it is started again by itself; otherwise the operator must act.'),
  })
  .meta({ id: 'ReaderFailure' });
export type ReaderFailure = z.infer<typeof readerFailureSchema>;

/** A reader as anybody may see it. */
export const maskedReaderSchema = z
  .object({
    model_name: z.string(),
    model_type: z.string().describe('The architecture; empty until the model has been loaded once.'),
    device: z.string(),
    consumer_groups: z.array(z.string()),
    max_batch_size: z.int().describe('Answers that it generates at the same time.'),
    loras: z
      .array(z.string())
      .optional()
      .describe('Adapters that requests may name as `lora_id`; absent while the reader is not live.'),
    failure: readerFailureSchema.optional().describe('Of a dead reader.'),
  })
  .meta({ id: 'MaskedReader' });
export type MaskedReader = z.infer<typeof maskedReaderSchema>;

/** Whether the readers of a group take requests at this moment. */
export const groupReadinessSchema = z
  .object({
    ready: z.boolean(),
    failure: z
      .string()
      .optional()
      .describe('The code of what keeps every reader of it from ever taking any.'),
  })
  .meta({ id: 'GroupReadiness' });
export type GroupReadiness = z.infer<typeof groupReadinessSchema>;

/** GET /status on the inference port. */
export const statusResponseSchema = z
  .object({
    live_readers: z.record(z.string(), maskedReaderSchema).describe('By reader id.'),
    dead_readers: z.record(z.string(), maskedReaderSchema).describe('By reader id.'),
    consumer_groups: z.record(z.string(), groupReadinessSchema).describe('By name.'),
    ports: z.array(z.int()).describe('That the server listens on.'),
  })
  .meta({ id: 'Status' });
export type StatusResponse = z.infer<typeof statusResponseSchema>;

/** A reader as the management port shows it. */
export const readerDetailsSchema = maskedReaderSchema
  .extend({
    consumer_name: z.string(),
    pids: z.array(z.int()),
    detail: z.string().describe('Where loading stands, or why the reader is dead.'),
    device_reason: z
      .string()
      .optional()
      .describe('Which device it computes on in full, and why that one; empty until it is live.'),
    progress: z
      .number()
      .nullable()
      .optional()
      .describe('How far a reader that loads is, from 0 to 1; null where nobody can tell.'),
    restarts: z.int().optional().describe('How often it was started again after it had died.'),
    open_prompts: z
      .int()
      .describe('Prompts that the gateway has handed to the reader and that have not ended.'),
  })
  .meta({ id: 'ReaderDetails' });
export type ReaderDetails = z.infer<typeof readerDetailsSchema>;

export const heartbeatSchema = z
  .object({
    heartbeat_timestamp: z.number().describe('Seconds since 1970.'),
    heartbeat_wait_interval: z.number().describe('Seconds between two of them.'),
  })
  .meta({ id: 'Heartbeat' });
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** GET /reader_groups: the readers of each group, by its name. */
export const readerGroupsSchema = z
  .record(
    z.string(),
    z.array(readerDetailsSchema.extend({ reader_id: z.string() }).meta({ id: 'GroupedReader' })),
  )
  .meta({ id: 'ReaderGroups' });
export type ReaderGroups = z.infer<typeof readerGroupsSchema>;

/** GET /status on the management port. */
export const managementStatusSchema = z
  .object({
    config: z.record(z.string(), z.unknown()).describe('The configuration, without secrets.'),
    status: z.object({
      live_readers: z.record(z.string(), readerDetailsSchema),
      dead_readers: z.record(z.string(), readerDetailsSchema),
      loading_readers: z.record(z.string(), readerDetailsSchema),
      consumer_groups: z.record(z.string(), groupReadinessSchema).describe('By name.'),
      last_heartbeat: z
        .record(z.string(), heartbeatSchema)
        .describe('Of readers that have given a sign of life, by id.'),
    }),
  })
  .meta({ id: 'ManagementStatus' });
export type ManagementStatus = z.infer<typeof managementStatusSchema>;
