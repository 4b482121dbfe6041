// One file of a repository, from the hub to a blob of the cache. Goes on where an earlier attempt stopped, in this process or
// another; the blob has its name only when size and hash are right.
import { rename } from 'node:fs/promises';
import { corrupt, refused, unreachable } from './failures.js';
import { ContentCheck } from './content-check.js';
import { bodyOf, type Answer, type HubClient } from './hub-client.js';
import type { HubFile } from './listing.js';
import { diskFailure, type Disk, type PartFile } from './part-file.js';
import { withRetries, type RetryPolicy } from './retry.js';

export interface Download {
  readonly client: HubClient;
  readonly file: HubFile;
  readonly commit: string;
  readonly blobPath: string;
  readonly disk: Disk;
  readonly retry: RetryPolicy;
  /** Bytes of the file that are on the disk. */
  readonly onProgress: (doneBytes: number) => void;
}

export const PART_SUFFIX = '.incomplete';
/** A wrong hash may come from a connection or a disk that failed once. */
const WHOLE_ATTEMPTS = 2;

/** @throws HubError; CheckpointError checkpoint.unreadable, checkpoint.cancelled */
export async function downloadFile(download: Download): Promise<void> {
  const { disk, blobPath, file, client } = download;
  const partPath = blobPath + PART_SUFFIX;
  const part = await onDisk(partPath, () => disk.openPart(partPath));
  try {
    const transfer = new Transfer(download, part);
    await transfer.takeUp();
    for (let attempt = 1; ; attempt++) {
      await withRetries(
        download.retry,
        () => transfer.run(),
        () => part.sizeBytes,
      );
      const problem = transfer.problem();
      if (problem === undefined) break;
      await transfer.startOver();
      if (attempt === WHOLE_ATTEMPTS)
        throw corrupt(client.place, file.name, `${problem} It was downloaded ${attempt} times.`);
      download.retry.onRetry(`${file.name}: ${problem} Downloading it again.`);
    }
    await onDisk(partPath, () => part.sync());
  } finally {
    await part.close();
  }
  await onDisk(blobPath, () => rename(partPath, blobPath));
}

/** The bytes between the hub and the part file, with a hash that follows them. */
class Transfer {
  readonly #download: Download;
  readonly #part: PartFile;
  readonly #check: ContentCheck;

  constructor(download: Download, part: PartFile) {
    this.#download = download;
    this.#part = part;
    this.#check = new ContentCheck(download.file);
  }

  /** Hashes what an earlier attempt left behind. */
  async takeUp(): Promise<void> {
    const { file, onProgress, blobPath } = this.#download;
    if (this.#part.sizeBytes > file.sizeBytes) return this.startOver();
    await onDisk(blobPath + PART_SUFFIX, async () => {
      for await (const bytes of this.#part.read()) this.#check.update(bytes);
    });
    onProgress(this.#part.sizeBytes);
  }

  async startOver(): Promise<void> {
    await onDisk(this.#download.blobPath + PART_SUFFIX, () => this.#part.clear());
    this.#check.restart();
    this.#download.onProgress(0);
  }

  problem(): string | undefined {
    return this.#check.problem();
  }

  /** Fetches what is missing. @throws HubError hub.unreachable when the connection ends too early */
  async run(): Promise<void> {
    const { client, file } = this.#download;
    if (this.#part.sizeBytes === file.sizeBytes) return;
    const answer = await this.#ask();
    try {
      await this.#receive(answer);
    } catch (error) {
      throw client.explain(error, answer.guard);
    } finally {
      answer.guard.stop();
    }
    if (this.#part.sizeBytes < file.sizeBytes) {
      throw unreachable(
        client.place,
        `${file.name} ended after ${this.#part.sizeBytes} of ${file.sizeBytes} bytes.`,
      );
    }
  }

  async #ask(): Promise<Answer> {
    const { client, file, commit } = this.#download;
    const { model, endpoint } = client.place;
    const doneBytes = this.#part.sizeBytes;
    const answer = await client.get(
      `${endpoint}/${model.id}/resolve/${commit}/${encodeURIComponent(file.name)}`,
      {
        file: file.name,
        accepts: [416],
        headers: doneBytes === 0 ? {} : { range: `bytes=${doneBytes}-` },
      },
    );
    const problem = this.#problemOf(answer, doneBytes);
    if (problem === undefined) return answer;
    answer.guard.stop();
    await answer.response.body?.cancel();
    throw problem;
  }

  #problemOf({ response, linkedEtag }: Answer, doneBytes: number) {
    const { client, file } = this.#download;
    const promised = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(linkedEtag ?? '')?.[1];
    if (file.hash.kind === 'sha256' && promised !== undefined && promised !== file.hash.hex)
      return corrupt(
        client.place,
        file.name,
        `The hub lists the SHA-256 ${file.hash.hex}, but sends ${promised}.`,
      );
    // Cannot happen to a hub that lists the right size: what is missing lies inside the file.
    if (response.status === 416)
      return refused(
        client.place,
        `${file.name} is said to end before byte ${doneBytes} of ${file.sizeBytes}.`,
      );
    if (response.status !== 206 || doneBytes === 0) return undefined;
    const [, first, total] =
      /^bytes (\d{1,16})-\d{1,16}\/(\d{1,16}|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    if (Number(first) === doneBytes && (total === '*' || Number(total) === file.sizeBytes)) return undefined;
    return refused(
      client.place,
      `Asked for ${file.name} from byte ${doneBytes} of ${file.sizeBytes}, it sends ${String(response.headers.get('content-range'))}.`,
    );
  }

  async #receive({ response, guard }: Answer): Promise<void> {
    const { client, file, blobPath, onProgress } = this.#download;
    // A server that ignores the range sends everything.
    if (response.status === 200 && this.#part.sizeBytes > 0) await this.startOver();
    for await (const bytes of bodyOf(response)) {
      guard.touch();
      if (this.#part.sizeBytes + bytes.length > file.sizeBytes)
        throw corrupt(
          client.place,
          file.name,
          `It has more than the ${file.sizeBytes} bytes that the hub lists.`,
        );
      await onDisk(blobPath + PART_SUFFIX, () => this.#part.append(bytes));
      this.#check.update(bytes);
      onProgress(this.#part.sizeBytes);
    }
  }
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(path, error);
  }
}
