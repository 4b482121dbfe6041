// A file of records. Each record is appended in one write. A run that was killed may leave half a record at the end; opening the
// file again cuts that off.
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';
import { notWritten } from './outcome.js';

export interface RecordFormat {
  /** What a file begins with; empty where nothing. */
  readonly header: string;
  /** Whether a line break between quotation marks belongs to the record. */
  readonly isQuoted: boolean;
  /**
   * The paths of whole records.
   * @throws ConfigError when the file is something else
   */
  readonly readPaths: (file: string, endByte: number) => AsyncIterable<string>;
}

const QUOTE = 0x22;
const LINE_FEED = 0x0a;

export class RecordFile implements AsyncDisposable {
  readonly #file: string;
  readonly #handle: FileHandle;
  /**
   * The last write. Writes follow one another, so that records never mix; after a failed one, which may have written half a
   * record, none follows.
   */
  #last: Promise<void> = Promise.resolve();

  private constructor(file: string, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  /**
   * Makes the file if it is not there, and reads what earlier runs wrote.
   * @throws ConfigError when the file cannot be written or is something else
   */
  static async open(file: string, format: RecordFormat, onPath: (path: string) => void): Promise<RecordFile> {
    const handle = await openToAppend(file);
    try {
      const endByte = await endOfRecords(file, format.isQuoted);
      for await (const path of format.readPaths(file, endByte)) onPath(path);
      await handle.truncate(endByte);
      if (endByte === 0) await handle.appendFile(format.header);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new RecordFile(file, handle);
  }

  /**
   * Resolves when the record is in the file.
   * @throws CommandError command.incomplete when it cannot be written
   */
  append(record: string): Promise<void> {
    this.#last = this.#last.then(() => this.#write(record));
    return this.#last;
  }

  async #write(record: string): Promise<void> {
    try {
      await this.#handle.appendFile(record);
    } catch (error) {
      throw notWritten(this.#file, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => undefined); // append has rejected with it already
    await this.#handle.sync().catch(() => undefined); // a pipe or a device has nothing to sync
    await this.#handle.close();
  }
}

async function openToAppend(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'a');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`--out is ${file}, which cannot be written: ${why}.`, { cause });
  }
}

/** The byte behind the last whole record. */
async function endOfRecords(file: string, isQuoted: boolean): Promise<number> {
  let position = 0;
  let end = 0;
  let isWithinQuotes = false;
  for await (const chunk of createReadStream(file)) {
    if (!(chunk instanceof Uint8Array)) continue;
    for (const byte of chunk) {
      position += 1;
      if (isQuoted && byte === QUOTE) isWithinQuotes = !isWithinQuotes;
      else if (byte === LINE_FEED && !isWithinQuotes) end = position;
    }
  }
  return end;
}
