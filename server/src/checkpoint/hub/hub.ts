// The model hub as the rest of the program sees it: a name goes in, a folder with the files of that model comes out.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../../errors.js';
import { withLock } from '../cache/lock.js';
import { hubTowerId } from '../source/tower-name.js';
import type { BaseLocator } from '../merge/locate-base.js';
import type { TowerLocator, TowerNeed } from '../source/vision-source.js';
import { downloadRepository } from './download-repository.js';
import { notCached } from './failures.js';
import { HubClient } from './hub-client.js';
import type { HubEvent } from './hub-event.js';
import { findCommit } from './listing.js';
import { isCommit, parseModelId, type HubModel } from './model-id.js';
import { diskFailure, REAL_DISK, type Disk } from './part-file.js';
import { RepositoryCache } from './repository-cache.js';
import { USUAL_ATTEMPTS, withRetries, type RetryPolicy } from './retry.js';
import { REAL_WAITS, type Waits } from './waits.js';
import type { Purpose } from './wanted-files.js';

export interface HubOptions {
  /** The model cache; downloads get a folder of their own in it. */
  readonly repositoryPath: string;
  /** Address of the hub or of a mirror. */
  readonly endpoint: string;
  readonly accessToken: string | null;
  /** Use what is cached and never open a connection. */
  readonly isOffline: boolean;
  readonly onEvent?: (event: HubEvent) => void;
  readonly signal?: AbortSignal;
  readonly waits?: Waits;
  readonly disk?: Disk;
}

const FOLDER = 'hub';

export class Hub {
  readonly #options: HubOptions;
  readonly #waits: Waits;

  constructor(options: HubOptions) {
    this.#options = { ...options, endpoint: options.endpoint.replace(/\/+$/, '') };
    this.#waits = options.waits ?? REAL_WAITS;
  }

  /**
   * The path to read a model from: a path as it is, a name of the hub as the folder it was downloaded to.
   * @throws HubError, CheckpointError, ConfigError
   */
  async resolveSource(source: string): Promise<string> {
    if (await isThere(source)) return source;
    const model = parseModelId(source);
    return model === undefined ? source : this.ensure(model, 'model');
  }

  /** The folder of a LoRA adapter, or its file; an id of the hub is downloaded. @throws HubError, CheckpointError, ConfigError */
  async resolveAdapter(source: string): Promise<string> {
    if (await isThere(source)) return source;
    const model = parseModelId(source);
    return model === undefined ? source : this.ensure(model, 'adapter');
  }

  /** Finds vision towers on the hub. */
  readonly locateTower: TowerLocator = async (id, need) => {
    const model = parseModelId(hubTowerId(id) ?? '');
    if (model === undefined || isKnownTower(model, need)) return undefined;
    return this.ensure(model, need === 'weights' ? 'tower' : 'tower-settings');
  };

  /** Finds bases of LoRA checkpoints on the hub. */
  readonly locateBase: BaseLocator = async (id) => {
    const model = parseModelId(id);
    return model === undefined ? undefined : this.ensure(model, 'base');
  };

  /** The snapshot's folder, downloaded now if the cache lacks it. @throws HubError, CheckpointError, ConfigError */
  async ensure(model: HubModel, purpose: Purpose): Promise<string> {
    const cache = new RepositoryCache(join(this.#options.repositoryPath, FOLDER), model);
    const known = await cache.knownCommit();
    const isComplete = known !== undefined && (await cache.isComplete(known, purpose));
    if (isComplete && (this.#options.isOffline || isCommit(model.revision)))
      return cache.snapshotFolder(known);
    if (this.#options.isOffline) {
      throw notCached(
        model,
        known === undefined ? 'It is not in the model cache.' : 'It is not complete in the model cache.',
      );
    }
    const client = this.#client(model);
    if (!isComplete)
      return this.#download(client, cache, await this.#commit(client, USUAL_ATTEMPTS), purpose);
    try {
      // The cached one will do, so a hub that is down is not asked twice.
      return await this.#download(client, cache, await this.#commit(client, 1), purpose);
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'hub.unreachable') throw error;
      this.#warn(`${error.message} Serving the copy in the model cache, which may not be the newest.`);
      return cache.snapshotFolder(known);
    }
  }

  async #download(
    client: HubClient,
    cache: RepositoryCache,
    commit: string,
    purpose: Purpose,
  ): Promise<string> {
    if (!(await cache.isComplete(commit, purpose))) {
      const { repositoryPath, signal, disk = REAL_DISK } = this.#options;
      await makeFolder(join(repositoryPath, FOLDER));
      const retry = this.#retry(USUAL_ATTEMPTS);
      const onEvent = (event: HubEvent) => this.#options.onEvent?.(event);
      await withLock(
        cache.lockPath,
        signal,
        () => onEvent({ kind: 'waiting', lockPath: cache.lockPath }),
        async () => {
          // Another process may have finished while this one waited.
          if (await cache.isComplete(commit, purpose)) return;
          await downloadRepository({ client, cache, commit, purpose, disk, retry, onEvent });
        },
      );
    }
    await cache.rememberCommit(commit);
    return cache.snapshotFolder(commit);
  }

  async #commit(client: HubClient, attempts: number): Promise<string> {
    const { revision } = client.place.model;
    return isCommit(revision) ? revision : withRetries(this.#retry(attempts), () => findCommit(client));
  }

  #client(model: HubModel): HubClient {
    const { endpoint, accessToken, signal } = this.#options;
    return new HubClient({ endpoint, accessToken, waits: this.#waits, signal }, model);
  }

  #retry(attempts: number): RetryPolicy {
    const { signal } = this.#options;
    return { attempts, waits: this.#waits, signal, onRetry: (message) => this.#warn(message) };
  }

  #warn(message: string): void {
    this.#options.onEvent?.({ kind: 'warning', message });
  }
}

/** What tensors do not tell of a tower is known for OpenAI's: nobody has to be asked. */
function isKnownTower({ id }: HubModel, need: TowerNeed): boolean {
  return need === 'settings' && id.startsWith('openai/clip-vit-');
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    // Whatever keeps it from being seen will be said when it is opened, or it is a name of the hub.
    return false;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw diskFailure(path, error);
  }
}
