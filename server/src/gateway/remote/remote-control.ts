// What an operator may change of readers on other machines through a gateway: nothing, and they are told where to do it instead.
import { InputError } from '../../errors.js';
import type { ReaderControl, ReaderKeys } from '../readers/reader-administration.js';
import { unknownReader } from '../readers/reader-id-errors.js';
import type { ReadersView } from '../readers/readers-view.js';

export class RemoteControl implements ReaderControl {
  readonly #readers: ReadersView;

  constructor(readers: ReadersView) {
    this.#readers = readers;
  }

  add(): Promise<ReaderKeys> {
    return Promise.reject(elsewhere());
  }

  change(): Promise<ReaderKeys> {
    return Promise.reject(elsewhere());
  }

  remove(): Promise<void> {
    return Promise.reject(elsewhere());
  }

  /** As far as gateways know them. */
  settingsOf(readerId: string): ReaderKeys {
    const reader = this.#readers.readers().find((known) => known.readerId === readerId);
    if (reader === undefined) throw unknownReader(readerId);
    const { modelName, device, consumerGroups, maxBatchSize } = reader;
    return {
      reader_id: readerId,
      model_name: modelName,
      device,
      consumer_group: consumerGroups,
      max_batch_size: maxBatchSize,
    };
  }
}

const elsewhere = (): InputError =>
  new InputError(
    'request.readers_elsewhere',
    'The readers of this gateway run on other machines, because redis_url is set. Start, change and stop them there: each is a process of its own (takeoff serve with headless: true).',
  );
