// Writes readers that were added and removed while the server ran into the configuration file, for its next start. Everything else in the
// file stays as its owner wrote it, comments included. A reader of the file sees the old text or the new one, never a part.
import { accessSync, constants, readFileSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMap, parseDocument, type Document } from 'yaml';
import { ConfigError, ReaderError } from '../errors.js';

type Keys = Readonly<Record<string, unknown>>;

export class ReaderFile {
  readonly #path: string;

  /** @throws ConfigError when there is no file, or it cannot be replaced */
  constructor(path: string | null) {
    if (path === null) {
      throw new ConfigError(
        'persist_readers is true, and there is no configuration file that readers could be written to: name one with --config or TAKEOFF_CONFIG_FILE.',
      );
    }
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      accessSync(dirname(path), constants.W_OK);
    } catch (cause) {
      throw new ConfigError(
        `persist_readers is true, and ${path} or its folder cannot be written to. Both must be, because the file is replaced as a whole; switch persist_readers off where the file is mounted read-only.`,
        { cause },
      );
    }
    this.#path = path;
  }

  /** @throws ReaderError reader.not_saved */
  async save(readerId: string, settings: Keys): Promise<void> {
    const keys = Object.entries(settings).filter(([key]) => key !== 'reader_id');
    await this.#replace((document) =>
      document.setIn(['takeoff', 'readers_config', readerId], Object.fromEntries(keys)),
    );
  }

  /**
   * Changes settings of a reader and leaves its others as they are written. One that flags or variables started is not in the file and
   * stays out of it.
   * @throws ReaderError reader.not_saved
   */
  async change(readerId: string, settings: Keys): Promise<void> {
    const place = ['takeoff', 'readers_config', readerId];
    await this.#replace((document) => {
      if (!isMap(document.getIn(place))) return;
      for (const [key, value] of Object.entries(settings)) {
        // Its other spelling would contradict it.
        if (key === 'consumer_group') document.deleteIn([...place, 'consumer_groups']);
        document.setIn([...place, key], value);
      }
    });
  }

  /** @throws ReaderError reader.not_saved */
  async forget(readerId: string): Promise<void> {
    await this.#replace((document) => {
      document.deleteIn(['takeoff', 'readers_config', readerId]);
    });
  }

  async #replace(change: (document: Document) => void): Promise<void> {
    const temporary = `${this.#path}.${process.pid}.new`;
    try {
      const document = parseDocument(readFileSync(this.#path, 'utf8'));
      for (const path of [['takeoff'], ['takeoff', 'readers_config']])
        if (!isMap(document.getIn(path))) document.setIn(path, document.createNode({}));
      change(document);
      const { mode } = await stat(this.#path);
      await writeDurably(temporary, document.toString(), mode);
      await rename(temporary, this.#path);
    } catch (cause) {
      await rm(temporary, { force: true });
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ReaderError(
        'reader.not_saved',
        `The configuration file cannot be written (${why}), so the readers are as they were. The operator mends that, or switches persist_readers off.`,
        { cause },
      );
    }
  }
}

/** A name that is given to a file before its text is on the disk could name an empty one after a loss of power. */
async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
