// What the Ollama API tells of models: the consumer groups, which is what `model` of a request names. Names have a tag there, and where
// none is given it is `latest`.
import { createHash } from 'node:crypto';
import { groupNotReady } from '../../answer/consumer-group.js';
import type { ReaderCard } from '../../../link/lifecycle/messages.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { fingerprintOf, resolveModel, type NamedModel } from '../input/model-names.js';
import type { ShownModel } from './ollama-answers.js';

const TAG = ':latest';

const MAX_SHOWN_CHARACTERS = 256;

/** The version of Ollama whose API this is, for programs that ask for a certain one. */
export const OLLAMA_VERSION = '0.12.11';

/** Models stay. Ollama ends one that nobody asks, and tells when. */
const NEVER = '2999-12-31T00:00:00.000Z';

/** @throws InputError request.model_unknown */
export const resolveTagged = (asked: string | null | undefined, readers: ReadersView): NamedModel => {
  const { group, name } = resolveModel(asked?.endsWith(TAG) ? asked.slice(0, -TAG.length) : asked, readers);
  // It stands in each line of a stream.
  return { group, name: asked != null && asked.length <= MAX_SHOWN_CHARACTERS ? asked : name };
};

/** @throws CapacityError group.unavailable */
export function validateIsReady(group: string, readers: ReadersView): void {
  if (!readers.groups().some(({ name, isReady }) => name === group && isReady)) throw groupNotReady(group);
}

interface ModelFacts {
  readonly readers: ReadersView;
  /** Of the program. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

export const listTags = (facts: ModelFacts) => ({
  models: facts.readers
    .groups()
    .filter(({ readerCount }) => readerCount > 0)
    .map(({ name }) => ({ ...entryOf(name, facts), modified_at: timeOf(facts) })),
});

export const listRunning = (facts: ModelFacts) => ({
  models: facts.readers
    .groups()
    .filter(({ isReady }) => isReady)
    .map(({ name }) => ({ ...entryOf(name, facts), expires_at: NEVER, size_vram: 0 })),
});

/** @throws InputError request.model_unknown */
export function showModel(asked: string | null | undefined, facts: ModelFacts): ShownModel {
  const { group } = resolveTagged(asked, facts.readers);
  const card = cardOf(group, facts.readers);
  return {
    modified_at: timeOf(facts),
    details: detailsOf(group, facts.readers),
    model_info:
      card === null
        ? {}
        : {
            'general.architecture': card.modelType,
            [`${card.modelType}.context_length`]: card.contextTokens,
          },
    capabilities: card?.vision == null ? ['completion'] : ['completion', 'vision'],
  };
}

const timeOf = ({ startedAtMs }: ModelFacts): string => new Date(startedAtMs).toISOString();

/** Of one of its live readers; null where none is live. */
function cardOf(group: string, readers: ReadersView): ReaderCard | null {
  const cards = readers
    .readers()
    .flatMap(({ consumerGroups, state }) =>
      consumerGroups.includes(group) && state.kind === 'live' ? [state.card] : [],
    );
  return cards[0] ?? null;
}

function entryOf(group: string, { readers, version }: ModelFacts) {
  const name = `${group}${TAG}`;
  const digest = createHash('sha256')
    .update(fingerprintOf(group, readers, version))
    .digest('hex');
  return { name, model: name, size: 0, digest, details: detailsOf(group, readers) };
}

function detailsOf(group: string, readers: ReadersView): ShownModel['details'] {
  const family = cardOf(group, readers)?.modelType ?? '';
  return {
    parent_model: '',
    format: '',
    family,
    families: family === '' ? [] : [family],
    parameter_size: '',
    quantization_level: '',
  };
}
