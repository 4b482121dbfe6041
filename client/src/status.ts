// The status of a server in its own spelling: ids of readers and names of settings are keys of objects, so nothing is renamed.
// contract.test.ts compares these types with wire.
import { isListOfTexts, isRecord } from './answers.js';
import { UnexpectedAnswerError } from './errors.js';

/** Why a dead reader is dead. */
export interface ReaderFailure {
  readonly code: string;
  /** Whether it is started again by itself; otherwise the operator must act. */
  readonly restarts: boolean;
}

/** A reader, which is a loaded model, as anybody may see it. */
export interface MaskedReader {
  readonly model_name: string;
  /** The architecture; empty until the model has been loaded once. */
  readonly model_type: string;
  readonly device: string;
  readonly consumer_groups: readonly string[];
  /** Answers that it generates at the same time. */
  readonly max_batch_size: number;
  /** Adapters that requests may name as `loraId`; absent while the reader is not live, and of older servers. */
  readonly loras?: readonly string[] | undefined;
  /** Of a dead reader, where the server tells it. */
  readonly failure?: ReaderFailure | undefined;
}

/** Whether the readers of a group take requests at this moment. */
export interface GroupReadiness {
  readonly ready: boolean;
  /** The code of what keeps every reader of it from ever taking any. */
  readonly failure?: string | undefined;
}

export interface ServerStatus {
  /** By reader id. */
  readonly live_readers: Readonly<Record<string, MaskedReader>>;
  readonly dead_readers: Readonly<Record<string, MaskedReader>>;
  /** By name; empty where the server does not tell. */
  readonly consumer_groups: Readonly<Record<string, GroupReadiness>>;
  readonly ports: readonly number[];
}

/** A reader as the management port shows it. */
export interface ReaderDetails extends MaskedReader {
  readonly consumer_name: string;
  readonly pids: readonly number[];
  /** Where loading stands, or why the reader is dead. */
  readonly detail: string;
  /** Which device it computes on in full, and why that one; empty until it is live, absent of older servers. */
  readonly device_reason?: string | undefined;
  /** How far a reader that loads is, from 0 to 1; null where nobody can tell. */
  readonly progress?: number | null | undefined;
  /** How often it was started again after it had died; absent of older servers. */
  readonly restarts?: number | undefined;
  /** Prompts that were handed to the reader and have not ended. */
  readonly open_prompts: number;
}

export interface Heartbeat {
  /** Seconds since 1970. */
  readonly heartbeat_timestamp: number;
  /** Seconds between two of them. */
  readonly heartbeat_wait_interval: number;
}

export interface ManagementStatus {
  /** The server's configuration, without secrets. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly live_readers: Readonly<Record<string, ReaderDetails>>;
    readonly dead_readers: Readonly<Record<string, ReaderDetails>>;
    readonly loading_readers: Readonly<Record<string, ReaderDetails>>;
    /** By name; empty where the server does not tell. */
    readonly consumer_groups: Readonly<Record<string, GroupReadiness>>;
    /** Of readers that have given a sign of life, by id; empty where the server does not tell. */
    readonly last_heartbeat: Readonly<Record<string, Heartbeat>>;
  };
}

/** @throws UnexpectedAnswerError */
export function parseStatus(body: unknown): ServerStatus {
  if (isRecord(body)) {
    const status = withGroups(body);
    if (isStatus(status)) return status;
  }
  throw new UnexpectedAnswerError('The answer of /status is not the status of a Takeoff server.');
}

/** @throws UnexpectedAnswerError */
export function parseManagementStatus(body: unknown): ManagementStatus {
  if (isRecord(body) && isRecord(body['status'])) {
    const status = { ...body, status: { last_heartbeat: {}, ...withGroups(body['status']) } };
    if (isManagementStatus(status)) return status;
  }
  throw new UnexpectedAnswerError(
    'The answer of /status is not that of the management port of a Takeoff server; is managementPort right?',
  );
}

/** Servers that do not know the field leave it out. */
const withGroups = (status: Readonly<Record<string, unknown>>) => ({ consumer_groups: {}, ...status });

/** A reader of a group, as the management port lists it. */
export type GroupedReader = ReaderDetails & { readonly reader_id: string };

/** By the names of the groups. */
export type ReaderGroups = Readonly<Record<string, readonly GroupedReader[]>>;

/** @throws UnexpectedAnswerError */
export function parseReaderGroups(body: unknown): ReaderGroups {
  if (isRecordOf(body, isListOfGrouped)) return body;
  throw new UnexpectedAnswerError('The answer of /reader_groups is not that of a Takeoff server.');
}

const isListOfGrouped = (value: unknown): value is GroupedReader[] =>
  Array.isArray(value) &&
  value.every((one: unknown) => isDetails(one) && isRecord(one) && typeof one['reader_id'] === 'string');

type Unread<T> = Readonly<Partial<Record<keyof T, unknown>>>;

const isStatus = (body: Unread<ServerStatus>): body is ServerStatus =>
  isRecordOf(body.live_readers, isReader) &&
  isRecordOf(body.dead_readers, isReader) &&
  isRecordOf(body.consumer_groups, isReadiness) &&
  isListOfNumbers(body.ports);

const isManagementStatus = (body: Unread<ManagementStatus>): body is ManagementStatus => {
  const { config, status } = body;
  if (!isRecord(config) || !isRecord(status)) return false;
  return (
    ['live_readers', 'dead_readers', 'loading_readers'].every((group) =>
      isRecordOf(status[group], isDetails),
    ) &&
    isRecordOf(status['consumer_groups'], isReadiness) &&
    isRecordOf(status['last_heartbeat'], isHeartbeat)
  );
};

const isHeartbeat = (value: unknown): value is Heartbeat =>
  isRecord(value) &&
  typeof value['heartbeat_timestamp'] === 'number' &&
  typeof value['heartbeat_wait_interval'] === 'number';

const isReadiness = (value: unknown): value is GroupReadiness =>
  isRecord(value) &&
  typeof value['ready'] === 'boolean' &&
  (value['failure'] === undefined || typeof value['failure'] === 'string');

const isReader = (value: unknown): value is MaskedReader =>
  isRecord(value) &&
  typeof value['model_name'] === 'string' &&
  typeof value['model_type'] === 'string' &&
  typeof value['device'] === 'string' &&
  typeof value['max_batch_size'] === 'number' &&
  (value['loras'] === undefined || isListOfTexts(value['loras'])) &&
  (value['failure'] === undefined || isFailure(value['failure'])) &&
  isListOfTexts(value['consumer_groups']);

const isFailure = (value: unknown): value is ReaderFailure =>
  isRecord(value) && typeof value['code'] === 'string' && typeof value['restarts'] === 'boolean';

const isDetails = (value: unknown): value is ReaderDetails =>
  isReader(value) &&
  isRecord(value) &&
  typeof value['consumer_name'] === 'string' &&
  typeof value['detail'] === 'string' &&
  (value['device_reason'] === undefined || typeof value['device_reason'] === 'string') &&
  typeof value['open_prompts'] === 'number' &&
  (value['restarts'] === undefined || typeof value['restarts'] === 'number') &&
  isListOfNumbers(value['pids']);

const isListOfNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number');

const isRecordOf = <T>(value: unknown, isOne: (one: unknown) => one is T): value is Record<string, T> =>
  isRecord(value) && Object.values(value).every(isOne);
