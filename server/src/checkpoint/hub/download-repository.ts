// Brings the files of a repository that a purpose needs into the cache: first the small ones, which tell whether the rest is worth
// fetching, then the weights. What is there already is not fetched again.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stopIfCancelled, unsupported } from '../failures.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import { isErrno } from '../files/positional-file.js';
import { explainMissingWeights, recognise } from '../source/architecture.js';
import { configSchema } from '../source/config-schema.js';
import { isQuantisedByName, quantised } from '../source/quantised-weights.js';
import { readShardIndex } from '../source/weight-files.js';
import { downloadFile, PART_SUFFIX } from './download-file.js';
import { refused } from './failures.js';
import type { HubClient } from './hub-client.js';
import type { HubEvent } from './hub-event.js';
import { listRepository, type HubFile } from './listing.js';
import { requireSpace, type Disk } from './part-file.js';
import type { RepositoryCache } from './repository-cache.js';
import { withRetries, type RetryPolicy } from './retry.js';
import { loraFiles, smallFiles, weightsOf, type Purpose, type Weights } from './wanted-files.js';

interface RepositoryDownload {
  readonly client: HubClient;
  readonly cache: RepositoryCache;
  readonly commit: string;
  readonly purpose: Purpose;
  readonly disk: Disk;
  readonly retry: RetryPolicy;
  readonly onEvent: (event: HubEvent) => void;
}

/** @throws HubError, CheckpointError */
export async function downloadRepository(download: RepositoryDownload): Promise<void> {
  const { client, cache, commit, purpose, retry, onEvent } = download;
  const files = await withRetries(retry, () => listRepository(client, commit));
  const isModel = purpose === 'model' || purpose === 'base';
  if (isModel) validateRepositoryKind(download, files);
  await cache.createFolders(commit);
  const small = smallFiles(files, purpose);
  // How much there is in all is known only after the index.
  onEvent({
    kind: 'downloading',
    progress: { repository: client.place.model.id, doneBytes: 0, totalBytes: 0 },
  });
  await fetchAll({ ...download, onEvent: () => undefined }, small);
  const weights = isModel || purpose === 'tower' ? weightsOf(files) : undefined;
  if (isModel) await validateModelConfig(download, weights);
  const lora = purpose === 'model' ? loraFiles(files) : undefined;
  const large = weights === undefined ? (lora ?? []) : await weightFiles(download, weights, files);
  await fetchAll(download, [...small, ...large]);
  await cache.noteComplete(commit, purpose, [...small, ...large]);
}

/** What is no model can be told by its file names. */
function validateRepositoryKind({ client, purpose }: RepositoryDownload, files: readonly HubFile[]): void {
  const names = files.map(({ name }) => name);
  const { id } = client.place.model;
  const isLora = purpose === 'model' && loraFiles(files) !== undefined;
  if (weightsOf(files) === undefined && !isLora) {
    const ggufs = names.filter((name) => name.toLowerCase().endsWith('.gguf'));
    throw unsupported(
      id,
      explainMissingWeights(names) ??
        (ggufs.length > 0
          ? 'This repository holds GGUF files. Download one language model and its mmproj file into a folder and give the path of that folder.'
          : 'This repository holds no weights: neither safetensors nor PyTorch files at its top.'),
    );
  }
  if (!names.includes('config.json'))
    throw unsupported(id, 'This repository has no config.json, so it holds no checkpoint of a model.');
}

/** Weights of gigabytes are not fetched to be refused. @throws CheckpointError checkpoint.unsupported */
async function validateModelConfig(
  { client, cache, commit, purpose }: RepositoryDownload,
  weights: Weights | undefined,
): Promise<void> {
  const { id } = client.place.model;
  const folder = cache.snapshotFolder(commit);
  const { value } = await readJsonFile(join(folder, 'config.json'), configSchema, MAX_CONFIG_BYTES);
  // The base of a LoRA checkpoint may be a plain language model.
  if (purpose === 'model') recognise(value, id, `${id}: config.json`);
  const index = weights?.index && (await readShardIndex(folder, weights.index.name));
  if (isQuantisedByName(value, index?.shardOf.keys())) throw quantised(value, id);
}

async function weightFiles(
  { client, cache, commit }: RepositoryDownload,
  { index, single }: Weights,
  files: readonly HubFile[],
): Promise<HubFile[]> {
  if (index === undefined) return single === undefined ? [] : [single];
  const { shardOf } = await readShardIndex(cache.snapshotFolder(commit), index.name);
  return [...new Set(shardOf.values())].sort().map((shard) => {
    const file = files.find(({ name }) => name === shard);
    if (file === undefined)
      throw refused(
        client.place,
        `${index.name} names ${JSON.stringify(shard)}, which the repository lacks.`,
      );
    return file;
  });
}

async function fetchAll(download: RepositoryDownload, files: readonly HubFile[]): Promise<void> {
  const { client, cache, commit, disk, retry, onEvent } = download;
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const there = await Promise.all(files.map((file) => cache.hasBlob(file)));
  const absent = files.filter((_, index) => there[index] === false);
  const absentBytes = absent.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let doneBytes = totalBytes - absentBytes;
  const report = (fileBytes: number) =>
    onEvent({
      kind: 'downloading',
      progress: { repository: client.place.model.id, doneBytes: doneBytes + fileBytes, totalBytes },
    });
  await requireSpace(disk, cache.blobsFolder, absentBytes - (await partBytes(cache, absent)));
  for (const file of files) {
    stopIfCancelled(client.signal);
    if (absent.includes(file)) {
      const blobPath = cache.blobPath(file);
      await downloadFile({ client, file, commit, blobPath, disk, retry, onProgress: report });
      doneBytes += file.sizeBytes;
    }
    await cache.show(commit, file);
  }
  report(0);
}

/** What interrupted downloads have left of the files. */
async function partBytes(cache: RepositoryCache, files: readonly HubFile[]): Promise<number> {
  let sum = 0;
  for (const file of files) {
    try {
      sum += (await stat(cache.blobPath(file) + PART_SUFFIX)).size;
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }
  return sum;
}
