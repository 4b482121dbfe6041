// What a reader must know of its cluster before it takes requests: that it is there and lets the reader in, which model answers, and which
// server it is. Asked of /models of its API; of /health where there is no such list.
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ClusterError } from '../../errors.js';
import type { ApiTarget } from '../../link/lifecycle/messages.js';
import type { ApiDialect } from '../../model/api-dialect.js';
import { endpointOf, siblingOf } from './cluster-address.js';
import type { ClusterHttp } from './cluster-http.js';
import { cleanWords, errorOfStatus, parsed, readText, wordsIn } from './cluster-words.js';
import type { ClusterFacts } from './request-body.js';

export interface ClusterSearch {
  readonly http: ClusterHttp;
  readonly base: URL;
  readonly apiKey: string | null;
  readonly target: ApiTarget;
  /** Told why it is not there yet. */
  readonly onWaiting: (why: string) => void;
  /** How long it may take to come; a reader that ends is started again later. */
  readonly patienceMs?: number;
}

export interface FoundCluster {
  readonly facts: ClusterFacts;
  /** What answers with 200 while the cluster is well. */
  readonly probe: URL;
}

const PATIENCE_MS = 10_000;
const PAUSE_MS = 1_000;
export const PROBE_TIMEOUT_MS = 5_000;
/** Attack: an endless list. Largest real value: hundreds of models of a proxy, some hundred bytes each. */
const MAX_LIST_BYTES = 4 * 2 ** 20;
const MAX_SHOWN_MODELS = 20;

const listSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      root: z.string().nullish(),
      owned_by: z.string().nullish(),
      max_model_len: z.int().min(1).nullish(),
    }),
  ),
});
type ModelEntry = z.infer<typeof listSchema>['data'][number];

/** @throws ClusterError cluster.unreachable, cluster.misconfigured, cluster.broken */
export async function findCluster(search: ClusterSearch): Promise<FoundCluster> {
  const deadlineMs = performance.now() + (search.patienceMs ?? PATIENCE_MS);
  for (;;) {
    try {
      return await look(search);
    } catch (error) {
      const mayPass = error instanceof ClusterError && error.code !== 'cluster.misconfigured';
      if (!mayPass || performance.now() + PAUSE_MS > deadlineMs) throw error;
      search.onWaiting(error.message);
      await delay(PAUSE_MS);
    }
  }
}

async function look(search: ClusterSearch): Promise<FoundCluster> {
  const { base, target } = search;
  const models = endpointOf(base, '/models');
  const list = await getJson(search, models);
  if (list.status === 404 || list.status === 405) return lookWithoutList(search);
  if (list.status !== 200) throw errorOfStatus(list.status, list.words);
  const entries = listSchema.safeParse(list.json);
  if (!entries.success)
    throw new ClusterError('cluster.broken', 'The list of models of the cluster cannot be understood.');
  const entry = chooseModel(entries.data.data, target.model);
  const info = await textGenerationInfo(search, entry);
  if (entry === undefined && info === null) throw unknownModel(entries.data.data, target.model);
  return {
    facts: {
      model: target.model ?? entry?.id ?? '',
      dialect: target.dialect === 'auto' ? dialectOf(entry, info) : target.dialect,
      contextTokens: entry?.max_model_len ?? info?.contextTokens ?? null,
    },
    probe: models,
  };
}

async function lookWithoutList(search: ClusterSearch): Promise<FoundCluster> {
  const { base, target } = search;
  const probe = siblingOf(base, '/health');
  if (target.model === null) {
    throw new ClusterError(
      'cluster.misconfigured',
      `The cluster has no list of models at ${endpointOf(base, '/models').pathname}: set api_model, or api_url where its API is elsewhere.`,
    );
  }
  const health = await getJson(search, probe);
  if (health.status !== 200) throw errorOfStatus(health.status, health.words);
  const dialect = target.dialect === 'auto' ? 'openai' : target.dialect;
  return { facts: { model: target.model, dialect, contextTokens: null }, probe };
}

/** The entry of the model that is wanted, or of the only one; undefined where there is none. */
function chooseModel(entries: readonly ModelEntry[], wanted: string | null): ModelEntry | undefined {
  if (wanted === null) return entries.length === 1 ? entries[0] : undefined;
  return entries.find(({ id }) => id === wanted) ?? entries.find(({ root }) => root === wanted);
}

function unknownModel(entries: readonly ModelEntry[], wanted: string | null): ClusterError {
  const shown = entries.slice(0, MAX_SHOWN_MODELS).map(({ id }) => JSON.stringify(id.slice(0, 100)));
  const more = entries.length > MAX_SHOWN_MODELS ? ` and ${entries.length - MAX_SHOWN_MODELS} more` : '';
  const there = shown.length === 0 ? 'none' : shown.join(', ') + more;
  return new ClusterError(
    'cluster.misconfigured',
    `api_model is ${wanted === null ? 'not set' : JSON.stringify(wanted)}; the models of the cluster are: ${there}.`,
  );
}

const OWNERS: Readonly<Record<string, ApiDialect>> = { vllm: 'vllm', sglang: 'sglang', takeoff: 'takeoff' };

function dialectOf(entry: ModelEntry | undefined, info: TextGenerationInfo | null): ApiDialect {
  if (info !== null) return 'tgi';
  return OWNERS[entry?.owned_by ?? ''] ?? 'openai';
}

interface TextGenerationInfo {
  readonly contextTokens: number | null;
}

const infoSchema = z.object({
  router: z.string().includes('text-generation'),
  max_total_tokens: z.int().min(1).nullish(),
});

/** TGI does not say in its list who it is, and answers under any name of a model. Null: it is another server. */
async function textGenerationInfo(
  search: ClusterSearch,
  entry: ModelEntry | undefined,
): Promise<TextGenerationInfo | null> {
  const { base, target } = search;
  const isKnown = OWNERS[entry?.owned_by ?? ''] !== undefined;
  if (isKnown || (target.dialect !== 'auto' && target.dialect !== 'tgi')) return null;
  const answer = await getJson(search, siblingOf(base, '/info'));
  const info = infoSchema.safeParse(answer.json);
  return info.success ? { contextTokens: info.data.max_total_tokens ?? null } : null;
}

interface JsonAnswer {
  readonly status: number;
  readonly json: unknown;
  readonly words: string;
}

async function getJson({ http, apiKey }: ClusterSearch, url: URL): Promise<JsonAnswer> {
  const response = await askBriefly(http, url);
  const text = (await readText(response, MAX_LIST_BYTES)) ?? '';
  const json = parsed(text);
  return { status: response.statusCode ?? 0, json, words: cleanWords(wordsIn(json) ?? '', apiKey) };
}

/** @throws ClusterError cluster.unreachable, also when nothing came within the time */
export async function askBriefly(http: ClusterHttp, url: URL) {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    return await http.ask({ url, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ClusterError(
      'cluster.unreachable',
      `The cluster cannot be reached: nothing came from it within ${PROBE_TIMEOUT_MS} ms.`,
      { cause: error },
    );
  }
}
