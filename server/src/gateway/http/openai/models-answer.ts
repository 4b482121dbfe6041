// What /v1/models tells: the consumer groups, which is what `model` of a request names.
import type { ReadersView } from '../../readers/readers-view.js';
import type { ModelEntry } from './answer-schemas.js';
import { findModel, unknownModel } from '../input/model-names.js';

export const listModels = (readers: ReadersView, created: number) => ({
  object: 'list',
  data: readers
    .groups()
    .filter(({ readerCount }) => readerCount > 0)
    .map(({ name }) => entryOf(name, name, readers, created)),
});

/** @throws InputError request.model_unknown */
export function describeModel(asked: string, readers: ReadersView, created: number): ModelEntry {
  const known = findModel(asked, readers);
  if (known !== undefined) return entryOf(known.name, known.group, readers, created);
  throw unknownModel(
    asked,
    readers.groups().map(({ name }) => name),
  );
}

function entryOf(id: string, group: string, readers: ReadersView, created: number): ModelEntry {
  const reader = readers.readers().find(({ consumerGroups }) => consumerGroups.includes(group));
  return { id, object: 'model', created, owned_by: 'takeoff', root: reader?.modelName ?? group };
}
