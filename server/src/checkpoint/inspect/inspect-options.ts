// What an inspection is told besides the path.
import type { ModelDescription } from '../../model/description.js';
import type { ReadOptions } from '../source/read-checkpoint.js';

export interface InspectOptions extends ReadOptions {
  /** Which of several mmproj files beside a GGUF model. */
  readonly projectorFile?: string | null;
  /** What an operator should know of how a model that can be served will be served. */
  readonly warnOf?: (description: ModelDescription) => readonly string[];
}
