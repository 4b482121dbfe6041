// Which consumer group answers a request: its `model` names a group, or a model that a group serves. Where there is only one group, a
// name of nobody means it too, because many clients send a name by rote ("dummy", "gpt-4o", an address).
import { createHash } from 'node:crypto';
import { DEFAULT_CONSUMER_GROUP } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { text } from './fields.js';

export interface NamedModel {
  readonly group: string;
  /** What the answer calls the model. */
  readonly name: string;
}

/** The field as the description of the API tells it. */
export const describedModel = text().describe(
  'A consumer group, or a model that one serves. Where there is one group only, any name means it.',
);

const MAX_SHOWN_CHARACTERS = 100;

/** @throws InputError request.model_unknown */
export function resolveModel(asked: string | null | undefined, readers: ReadersView): NamedModel {
  const known = asked == null ? undefined : findModel(asked, readers);
  if (known !== undefined) return known;
  const groups = readers.groups().map(({ name }) => name);
  // Without any group the request is refused where all requests of unknown groups are.
  const [only = DEFAULT_CONSUMER_GROUP] = groups;
  if (groups.length <= 1) return { group: only, name: only };
  throw unknownModel(asked, groups);
}

/** The model of exactly this name. */
export function findModel(asked: string, readers: ReadersView): NamedModel | undefined {
  if (readers.groups().some(({ name }) => name === asked)) return { group: asked, name: asked };
  const reader = readers
    .readers()
    .find(({ modelName }) => modelName === asked || lastPart(modelName) === asked);
  const [group] = reader?.consumerGroups ?? [];
  return group === undefined ? undefined : { group, name: asked };
}

export const unknownModel = (asked: string | null | undefined, groups: readonly string[]): InputError =>
  new InputError(
    'request.model_unknown',
    `model is ${asked == null ? 'missing' : JSON.stringify(asked.slice(0, MAX_SHOWN_CHARACTERS))}; ` +
      `allowed is the name of a consumer group (${groups.join(', ')}) or of a model that one of them serves.`,
    { details: { field: 'model' } },
  );

/** Equal as long as the program and the models of the group are the same. */
export function fingerprintOf(group: string, readers: ReadersView, version: string): string {
  const models = readers
    .readers()
    .filter(({ consumerGroups }) => consumerGroups.includes(group))
    .map(({ modelName, device }) => `${modelName} ${device}`);
  const facts = JSON.stringify([version, ...new Set(models.toSorted())]);
  return `fp_${createHash('sha256').update(facts).digest('hex').slice(0, 10)}`;
}

/** Of a folder or an id of the model hub: `llava-v1.5-7b` of `/models/llava-v1.5-7b`. */
const lastPart = (modelName: string): string =>
  modelName.split(/[/\\]/u).findLast((part) => part !== '') ?? '';
