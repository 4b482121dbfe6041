// The chat template that a checkpoint brings along, from the files where transformers keeps one (5.18, processing_utils.py and
// tokenization_utils_base.py), in its order. A file that cannot be read costs a warning and not the model: prompts without a template
// work all the same.
import { join } from 'node:path';
import { z } from 'zod';
import { CheckpointError } from '../../errors.js';
import { decodeUtf8 } from '../files/byte-cursor.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, parseJson, readWholeFile } from '../files/json-file.js';

export interface OwnTemplate {
  /** Source in Jinja. */
  readonly jinja: string;
  /** The file. */
  readonly place: string;
  /** It was made for this model, not for the language model that this one was made of. */
  readonly isForThisModel: boolean;
}

export interface OwnTemplateReading {
  readonly template: OwnTemplate | null;
  /** Files that were read. */
  readonly sourceFiles: readonly string[];
  readonly warnings: readonly string[];
}

const JINJA_FILE = 'chat_template.jinja';
const TOKENIZER_FILE = 'tokenizer_config.json';
/** All files that may hold the template, in order of precedence. */
export const TEMPLATE_FILES = [
  JINJA_FILE,
  'chat_template.json',
  'processor_config.json',
  TOKENIZER_FILE,
] as const;
const DEFAULT_NAME = 'default';

export async function readOwnTemplate(
  folder: string,
  fileNames: readonly string[],
): Promise<OwnTemplateReading> {
  const sourceFiles: string[] = [];
  const warnings: string[] = [];
  for (const place of TEMPLATE_FILES.filter((name) => fileNames.includes(name))) {
    sourceFiles.push(join(folder, place));
    try {
      const bytes = await readWholeFile(await containedPath(folder, place, folder), MAX_CONFIG_BYTES);
      const jinja = templateIn(bytes, place);
      if (jinja !== null) {
        return {
          template: { jinja, place, isForThisModel: isForThisModel(place, jinja) },
          sourceFiles,
          warnings,
        };
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      warnings.push(`${error.message} The chat template in it, if there is one, is not used.`);
    }
  }
  return { template: null, sourceFiles, warnings };
}

/**
 * The files of processors are there for the model. The file of its own is written by processors and, since transformers 4.51, by
 * tokenizers of language models too, whose templates know no images.
 */
function isForThisModel(place: string, jinja: string): boolean {
  return place === JINJA_FILE ? /image/iu.test(jinja) : place !== TOKENIZER_FILE;
}

const namedTemplates = z.array(z.object({ name: z.string(), template: z.string() }));
const fileSchema = z.object({
  chat_template: z.union([z.string(), namedTemplates, z.record(z.string(), z.string())]).nullish(),
});

/**
 * The template in a file of Jinja, or under `chat_template` in one of JSON: a text, or several by name, of which `default` counts.
 * @throws CheckpointError checkpoint.malformed
 */
export function templateIn(bytes: Uint8Array, place: string): string | null {
  if (!place.toLowerCase().endsWith('.json')) return nonEmpty(decodeUtf8(bytes, place, 'The template'));
  const { chat_template: given } = parseJson(bytes, place, fileSchema);
  if (typeof given === 'string') return nonEmpty(given);
  const named = Array.isArray(given)
    ? given
    : Object.entries(given ?? {}).map(([name, template]) => ({ name, template }));
  const [only] = named;
  const chosen = named.find(({ name }) => name === DEFAULT_NAME) ?? (named.length === 1 ? only : undefined);
  return nonEmpty(chosen?.template ?? '');
}

const nonEmpty = (template: string): string | null => (template.trim() === '' ? null : template);
