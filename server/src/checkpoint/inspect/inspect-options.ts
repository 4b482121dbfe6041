// What an inspection is told besides the path.
import type { ModelDescription } from '../../model/description.js';
import type { SourceSettings } from '../cache/locate-source.js';
import type { ReadOptions } from '../source/read-checkpoint.js';

export interface InspectOptions extends SourceSettings, ReadOptions {
  /** What an operator should know of how a model that can be served will be served. */
  readonly warnOf?: (description: ModelDescription) => readonly string[];
}
