// The management API, and what the inference port tells of readers, as the descriptions of the ports tell them.
import {
  addedReaderSchema,
  managementStatusSchema,
  readerConfigSchema,
  readerGroupsSchema,
  statusResponseSchema,
  type ErrorCode,
} from 'takeoff-wire';
import { z } from 'zod';
import { READER_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type Operation, type Parameter } from '../description/operation.js';
import { newReaderSchema, readerSettingsSchema } from './reader-settings-schema.js';

const STATUS_TAG = 'Status';
const READERS_TAG = 'Readers';

const healthSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
const HEALTHY = answeredWith(healthSchema, 'Ready.');

export const LIVEZ: Operation = {
  tag: STATUS_TAG,
  summary: 'Whether the process answers at all',
  answers: HEALTHY,
  errors: [],
};

export const HEALTHZ: Operation = {
  tag: STATUS_TAG,
  summary: 'Whether any consumer group takes requests',
  answers: HEALTHY,
  errors: ['server.not_ready', 'group.failed'],
  examples: [{ name: 'Ready', answer: { status: 'ok' } }],
};

export const READYZ: Operation = {
  tag: STATUS_TAG,
  summary: 'Whether every consumer group takes requests, or the one that is asked for',
  parameters: [
    { name: 'consumer_group', place: 'query', description: 'A single group.', schema: z.string().optional() },
  ],
  answers: HEALTHY,
  errors: ['server.not_ready', 'group.unavailable', 'group.failed', 'request.out_of_range'],
};

export const STATUS: Operation = {
  tag: STATUS_TAG,
  summary: 'Who is there',
  answers: answeredWith(statusResponseSchema, 'Readers, consumer groups and ports.'),
  errors: ['server.not_ready'],
};

export const MANAGEMENT_STATUS: Operation = {
  tag: STATUS_TAG,
  summary: 'The configuration, and readers in detail',
  answers: answeredWith(managementStatusSchema, 'With process ids, loading progress and reasons.'),
  errors: [],
};

export const METRICS: Operation = {
  tag: STATUS_TAG,
  summary: 'Metrics for Prometheus',
  answers: [
    {
      status: 200,
      description: 'docs/observability.md has the names.',
      content: [{ kind: 'text', contentType: 'text/plain' }],
    },
  ],
  errors: [],
};

export const READER_GROUPS: Operation = {
  tag: READERS_TAG,
  summary: 'The readers of each consumer group',
  answers: answeredWith(readerGroupsSchema, 'By the names of the groups.'),
  errors: [],
};

const READER: Parameter = {
  name: 'reader_id',
  place: 'path',
  description: 'A name of /reader_groups.',
  schema: z.string(),
};

const CHANGE_ERRORS: readonly ErrorCode[] = ['auth.readers_locked', 'reader.not_saved'];
const SET_ERRORS: readonly ErrorCode[] = [...CHANGE_ERRORS, 'request.wrong_shape', 'request.reader_invalid'];

export const READER_CONFIG: Operation = {
  tag: READERS_TAG,
  summary: "The model's config.json and the reader's settings",
  parameters: [READER],
  answers: answeredWith(readerConfigSchema, 'The settings alone until the reader is live.'),
  errors: ['request.reader_unknown', ...READER_ERRORS],
};

export const ADD_READER: Operation = {
  tag: READERS_TAG,
  summary: 'Add a reader',
  description: 'It loads after the answer; /status tells how far it is.',
  body: { json: newReaderSchema },
  answers: answeredWith(addedReaderSchema, 'All settings as they count, secrets hidden.', 201),
  errors: SET_ERRORS,
};

export const CHANGE_READER: Operation = {
  tag: READERS_TAG,
  summary: 'Change a running reader',
  description:
    'consumer_group, max_batch_size down from what it was loaded for, log_level, and loras, all adapters that it is to have.',
  parameters: [READER],
  body: { json: readerSettingsSchema },
  answers: answeredWith(addedReaderSchema, 'All settings as they count now, secrets hidden.'),
  // Adapters are loaded by the reader itself.
  errors: [...SET_ERRORS, ...READER_ERRORS, 'request.reader_unknown'],
};

export const REMOVE_READER: Operation = {
  tag: READERS_TAG,
  summary: 'Drain and remove a reader',
  parameters: [
    READER,
    {
      name: 'force',
      place: 'query',
      description: 'Ends it at once, and what it was answering with it.',
      schema: z.enum(['true', 'false', '']).optional(),
    },
  ],
  body: { json: z.unknown(), isOptional: true },
  answers: [{ status: 204, description: 'It is gone.' }],
  errors: [...CHANGE_ERRORS, 'request.out_of_range', 'request.reader_unknown'],
};
