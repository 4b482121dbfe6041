// What the readers of a consumer group come to, in a sentence for people.
import type { PageReader, PageStatus } from 'takeoff-wire';

export type GroupSummary =
  | { readonly kind: 'ready'; readonly modelName: string }
  /** `fraction` is from 0 to 1, null where nobody can tell. */
  | { readonly kind: 'loading'; readonly text: string; readonly fraction: number | null }
  | { readonly kind: 'down'; readonly text: string }
  | { readonly kind: 'unknown' };

export const groupNames = ({ readers }: PageStatus): readonly string[] => [
  ...new Set(readers.flatMap(({ consumer_groups }) => consumer_groups)),
];

/** A group is as far as its best reader. */
export function summariseGroup(readers: readonly PageReader[], group: string): GroupSummary {
  const own = readers.filter(({ consumer_groups }) => consumer_groups.includes(group));
  const live = own.find(({ state }) => state === 'live');
  if (live !== undefined) return { kind: 'ready', modelName: live.model_name };
  const loading = own.find(({ state }) => state === 'loading' || state === 'starting');
  if (loading !== undefined)
    return {
      kind: 'loading',
      text: describeReader(loading),
      fraction: loading.fraction ?? null,
    };
  const [other] = own;
  return other === undefined ? { kind: 'unknown' } : { kind: 'down', text: describeReader(other) };
}

export function describeReader({ state, stage, fraction, failure, open_prompts }: PageReader): string {
  switch (state) {
    case 'starting':
      return 'starting';
    case 'loading': {
      const percent = fraction === undefined ? '' : `, ${Math.floor(fraction * 100)} %`;
      return `${stage ?? 'loading the model'}${percent}`;
    }
    case 'live':
      return open_prompts === 0 ? 'ready' : `ready, ${open_prompts} at work`;
    case 'draining':
      return 'finishing its last answers';
    case 'dead':
      return failure?.restarts === true
        ? `it stopped (${failure.code}) and is being started again`
        : `it stopped (${failure?.code ?? 'no reason known'}) and the operator must act; the log of the server has the reason`;
    case 'stopped':
      return 'switched off';
  }
}

/** Requests that must end before another one of this group gets its turn; 0 where one reader has room. */
export function requestsAhead(readers: readonly PageReader[], group: string): number {
  const waiting = readers
    .filter(({ consumer_groups, state }) => consumer_groups.includes(group) && state === 'live')
    .map(({ open_prompts, max_batch_size }) => Math.max(0, open_prompts - max_batch_size));
  return waiting.length === 0 ? 0 : Math.min(...waiting);
}

/** Rows that an image takes in a prompt of the group, where they are the same for any image. */
export const imageTokensOf = (readers: readonly PageReader[], group: string): number | null =>
  readers.find(({ consumer_groups, state }) => consumer_groups.includes(group) && state === 'live')
    ?.image_tokens ?? null;

/** Adapters that a question to the group may name: those of its live readers. */
export const loraNames = (readers: readonly PageReader[], group: string): readonly string[] => [
  ...new Set(
    readers
      .filter(({ consumer_groups, state }) => consumer_groups.includes(group) && state === 'live')
      .flatMap(({ loras = [] }) => loras),
  ),
];
