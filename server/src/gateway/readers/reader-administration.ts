// What an operator does to the set of readers while the server runs: adds one from settings, changes what can change without a reload,
// removes one. Decides what is allowed and keeps what each reader was set to; running readers is the service's work, and remembering
// them beyond the end of the server that of the record. Changes happen one after the other.
import { ConfigError, InputError } from '../../errors.js';
import { takenReaderId, unknownReader } from './reader-id-errors.js';
import type { GatewayReader, ReaderService } from './reader-service.js';

/** Settings by their keys, as in an entry of readers_config. */
export type ReaderKeys = Readonly<Record<string, unknown>>;

/** How the log of a reader is written; null: as that of the server. */
export interface ReaderLogging {
  readonly level: string | null;
  readonly asJson: boolean | null;
}

export interface ConfiguredReader extends GatewayReader {
  readonly logging: ReaderLogging;
  /** Its settings without secrets. */
  readonly shown: ReaderKeys;
}

type Loras = Readonly<Record<string, string>>;

/** What a reader can be changed to while it runs; undefined leaves it. */
export interface ReaderChanges {
  readonly consumerGroups?: readonly string[] | undefined;
  readonly maxBatchSize?: number | undefined;
  readonly logLevel?: string | null | undefined;
  /** All adapters that it shall have, those that it has included. */
  readonly loras?: Loras | undefined;
}

/** Makes sense of settings that a person gave. @throws ConfigError */
export interface ReaderSettingsParser {
  reader(keys: ReaderKeys): ConfiguredReader;
  changes(keys: ReaderKeys): ReaderChanges;
}

/** Where readers are kept for the next start of the server. */
export interface ReaderRecord {
  /** @throws ReaderError reader.not_saved; the record is as it was then */
  save(readerId: string, keys: ReaderKeys): Promise<void>;
  /** Some settings of a reader, by their main keys. @throws ReaderError reader.not_saved; the record is as it was then */
  change(readerId: string, keys: ReaderKeys): Promise<void>;
  /** @throws ReaderError reader.not_saved; the record is as it was then */
  forget(readerId: string): Promise<void>;
}

export interface ReaderControl {
  /** The reader's settings, which it will be loaded with. @throws InputError request.reader_invalid; ReaderError reader.not_saved */
  add(keys: ReaderKeys): Promise<ReaderKeys>;
  /** @throws InputError request.reader_unknown, request.reader_invalid; ReaderError reader.not_saved */
  change(readerId: string, keys: ReaderKeys): Promise<ReaderKeys>;
  /** Resolves when the reader is gone. @throws InputError request.reader_unknown; ReaderError reader.not_saved */
  remove(readerId: string, how: 'drained' | 'at-once'): Promise<void>;
  /** @throws InputError request.reader_unknown */
  settingsOf(readerId: string): ReaderKeys;
}

/** The logs of readers, which are there before the reader is. */
export interface ReaderLogControl {
  open(readerId: string, logging: ReaderLogging): void;
  setLevel(readerId: string, level: string | null): void;
}

export interface AdministrationOptions {
  readonly service: ReaderService;
  readonly parser: ReaderSettingsParser;
  /** Null: readers that are added are forgotten when the server ends. */
  readonly record: ReaderRecord | null;
  readonly logs: ReaderLogControl;
}

interface Kept {
  readonly reader: ConfiguredReader;
  readonly shown: ReaderKeys;
  readonly loras: Loras;
}

export class ReaderAdministration implements ReaderControl {
  readonly #options: AdministrationOptions;
  readonly #kept = new Map<string, Kept>();
  /** The last change; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /** A reader that the configuration names. @throws ConfigError when its id is taken */
  start(reader: ConfiguredReader): void {
    this.#begin(reader);
  }

  async add(keys: ReaderKeys): Promise<ReaderKeys> {
    return this.#inTurn(async () => {
      const { service, record } = this.#options;
      const reader = explained(() => this.#options.parser.reader(keys));
      const { readerId } = reader.start;
      if (service.has(readerId)) throw takenReaderId(readerId);
      await record?.save(readerId, keys);
      this.#begin(reader);
      return reader.shown;
    });
  }

  async change(readerId: string, keys: ReaderKeys): Promise<ReaderKeys> {
    const { service, parser } = this.#options;
    const { reader, loras: before } = this.#keptOf(readerId);
    const changes = explained(() => parser.changes(keys));
    validateBatch(changes.maxBatchSize, reader.start.maxBatchSize);
    if (changes.loras === undefined) return this.#inTurn(() => this.#apply(readerId, changes));
    // Out of turn: adapters may have to be downloaded, and meanwhile other readers come and go.
    await service.changeLoras(readerId, changes.loras);
    try {
      return await this.#inTurn(() => this.#apply(readerId, changes));
    } catch (error) {
      if (service.has(readerId)) await service.changeLoras(readerId, before);
      throw error;
    }
  }

  /** All but the adapters, which are loaded already. */
  async #apply(readerId: string, changes: ReaderChanges): Promise<ReaderKeys> {
    const { service, record, logs } = this.#options;
    const kept = this.#keptOf(readerId);
    const { consumerGroups, maxBatchSize, logLevel, loras } = changes;
    const changed = {
      ...(consumerGroups === undefined ? {} : { consumer_group: consumerGroups }),
      ...(maxBatchSize === undefined ? {} : { max_batch_size: maxBatchSize }),
      ...(logLevel === undefined ? {} : { log_level: logLevel }),
      ...(loras === undefined ? {} : { loras }),
    };
    await record?.change(readerId, changed);
    if (consumerGroups !== undefined) service.regroup(readerId, consumerGroups);
    if (maxBatchSize !== undefined) service.limitBatch(readerId, maxBatchSize);
    if (logLevel !== undefined) logs.setLevel(readerId, logLevel);
    const shown = { ...kept.shown, ...changed };
    this.#kept.set(readerId, { ...kept, shown, loras: loras ?? kept.loras });
    return shown;
  }

  async remove(readerId: string, how: 'drained' | 'at-once'): Promise<void> {
    const { service, record } = this.#options;
    await this.#inTurn(async () => {
      this.#keptOf(readerId);
      await record?.forget(readerId);
    });
    // Out of turn: a drain may take minutes, in which others are added, and in which this one may be removed at once.
    await service.remove(readerId, how);
    if (!service.has(readerId)) this.#kept.delete(readerId);
  }

  settingsOf(readerId: string): ReaderKeys {
    return this.#keptOf(readerId).shown;
  }

  #begin(reader: ConfiguredReader): void {
    const { readerId } = reader.start;
    this.#options.logs.open(readerId, reader.logging);
    this.#options.service.add(reader);
    this.#kept.set(readerId, { reader, shown: reader.shown, loras: reader.start.loras });
  }

  #keptOf(readerId: string): Kept {
    const kept = this.#kept.get(readerId);
    if (kept !== undefined) return kept;
    throw unknownReader(readerId);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** What is wrong with settings from a request is the caller's mistake, not the operator's. */
function explained<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new InputError('request.reader_invalid', error.message, { cause: error });
  }
}

function validateBatch(asked: number | undefined, loaded: number): void {
  if (asked === undefined || asked <= loaded) return;
  throw new InputError(
    'request.reader_invalid',
    `max_batch_size is ${asked}; allowed are 1 to ${loaded}, which the reader was loaded for. Add a reader with more and remove this one.`,
  );
}
