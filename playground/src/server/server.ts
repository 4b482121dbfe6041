// The server that the page asks: its address, the key, and what it says of itself. The one place that sends requests other than
// those of the client library.
import { computed, signal } from '@preact/signals';
import { TakeoffClient } from 'takeoff-client';
import type { PageStatus } from 'takeoff-wire';
import type { Addressee } from '../settings/request-options.js';
import { settings } from '../settings/settings.js';
import { apiAddress, clientAddress } from './api-address.js';
import { isRecord, parsePageStatus } from './parse-status.js';
import { groupNames, loraNames, summariseGroup, type GroupSummary } from './reader-summary.js';
import { fetchWithProgress, type UploadProgress } from './upload-fetch.js';

export type Reachability =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'reached' }
  | { readonly kind: 'needsKey' }
  | { readonly kind: 'unreachable'; readonly reason: string };

const configured = document.querySelector('meta[name="takeoff-api"]')?.getAttribute('content') ?? '';

export const address = apiAddress(configured, location.href);

/** The latest status; null until there was one. It stays while the server cannot be reached. */
export const status = signal<PageStatus | null>(null);
export const reachability = signal<Reachability>({ kind: 'unknown' });

export const groups = computed<readonly string[]>(() =>
  status.value === null ? [] : groupNames(status.value),
);

export const group = computed(() => {
  const wanted = settings.value.consumerGroup;
  return wanted === ''
    ? (groups.value.find((name) => name === 'primary') ?? groups.value[0] ?? 'primary')
    : wanted;
});

/** What the settings may choose from. */
export const loras = computed(() => loraNames(status.value?.readers ?? [], group.value));

/** Whom questions are for. The server's own choice of a group needs no name; an adapter of another group does not count. */
export const addressee = computed<Addressee>(() => {
  const { consumerGroup, loraId } = settings.value;
  return {
    group: groups.value.length <= 1 && consumerGroup === '' ? '' : group.value,
    lora: loras.value.includes(loraId) ? loraId : '',
  };
});

export const summary = computed<GroupSummary>(() =>
  status.value === null ? { kind: 'unknown' } : summariseGroup(status.value.readers, group.value),
);

/** A client for one request; `onUpload` hears how much of its body has left. */
export const clientFor = (onUpload: (progress: UploadProgress) => void): TakeoffClient =>
  new TakeoffClient({
    ...clientAddress(address),
    ...(settings.value.apiKey === '' ? {} : { apiKey: settings.value.apiKey }),
    retries: 0,
    fetch: fetchWithProgress(onUpload),
  });

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A request that is none for an answer. The body of the result is undefined where it is no JSON. */
export async function askServer(
  path: string,
  body?: FormData | string,
  signal?: AbortSignal,
): Promise<JsonAnswer> {
  const { apiKey } = settings.value;
  const response = await fetch(`${address}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    },
    ...(body === undefined ? {} : { body }),
    signal: signal ?? AbortSignal.timeout(STATUS_TIMEOUT_MS),
  });
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: undefined };
  }
}

const STATUS_TIMEOUT_MS = 10_000;
/** While something is expected to change soon, and while nothing is. */
const EAGER_MS = 500;
const CALM_MS = 5_000;

export async function refreshStatus(): Promise<void> {
  try {
    const answer = await askServer('/page/status');
    if (answer.status === 401) {
      reachability.value = { kind: 'needsKey' };
      return;
    }
    const parsed = parsePageStatus(answer.body);
    if (parsed === undefined) {
      reachability.value = { kind: 'unreachable', reason: saidBy(answer) };
      return;
    }
    // An equal status changes nothing on the page.
    if (JSON.stringify(parsed) !== JSON.stringify(status.peek())) status.value = parsed;
    reachability.value = { kind: 'reached' };
  } catch (error) {
    reachability.value = {
      kind: 'unreachable',
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

function saidBy({ status: code, body }: JsonAnswer): string {
  const error = isRecord(body) ? body['error'] : undefined;
  const message = isRecord(error) ? error['message'] : undefined;
  return typeof message === 'string' ? message : `The answer has the status ${code}.`;
}

/** Asks for the status for as long as the page is open; more often while `isEager` says so. Rests while the page is hidden. */
export function watchStatus(isEager: () => boolean): void {
  const turn = async (): Promise<void> => {
    if (!document.hidden) await refreshStatus();
    const isSettled = reachability.value.kind === 'reached' && summary.value.kind === 'ready';
    setTimeout(() => void turn(), isEager() || !isSettled ? EAGER_MS : CALM_MS);
  };
  void turn();
}
