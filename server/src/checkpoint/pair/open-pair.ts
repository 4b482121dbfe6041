// Opens a GGUF pair for serving: what the model is, and where the tensors lie. Pairs of ours say everything themselves; pairs of
// other writers are described from the standard keys, repaired where that is possible and refused where not.
import { modelDescriptionSchema, type ModelDescription } from '../../model/description.js';
import { DESCRIPTION_KEY } from '../convert/model-metadata.js';
import { malformed, unsupported } from '../failures.js';
import { parseJson } from '../files/json-file.js';
import { GgufFile } from '../gguf/gguf-file.js';
import { hasClassTokenInMap } from '../source/llava-settings.js';
import { describeForeignPair } from './foreign-description.js';
import { visionModel, type VisionModel } from './vision-model.js';

export interface GgufPair {
  readonly description: ModelDescription;
  readonly model: GgufFile;
  /** Null for a language model without a tower. */
  readonly projector: { readonly file: GgufFile; readonly vision: VisionModel } | null;
  /** `tokenizer.ggml.pre` to load the model with, where the file lacks it and its vocabulary tells; null where the file's own counts. */
  readonly preTokenizer: string | null;
  /** What was concluded of a pair of another writer, and from what. */
  readonly conclusions: readonly string[];
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** Of a pair of ours nothing has to be guessed. */
const KNOWN = { preTokenizer: null, conclusions: [], warnings: [] };

/** @throws CheckpointError of any code */
export async function openGgufPair(modelPath: string, projectorPath: string | null): Promise<GgufPair> {
  const model = await GgufFile.open(modelPath);
  const files = [model];
  try {
    validateModel(model);
    const projector = projectorPath === null ? null : await openProjector(projectorPath, files);
    const own = model.string(DESCRIPTION_KEY);
    const described =
      own === undefined
        ? describeForeignPair(model, projector)
        : { ...KNOWN, description: ownDescription(own, model.name, projector === null) };
    validatePair(described.description, model, projector?.vision ?? null);
    return {
      ...described,
      model,
      projector,
      warnings: [...described.warnings, ...(projector?.vision.warnings ?? [])],
      close: () => closeFiles(files),
    };
  } catch (error) {
    await closeFiles(files);
    throw error;
  }
}

async function openProjector(path: string, files: GgufFile[]): Promise<NonNullable<GgufPair['projector']>> {
  const file = await GgufFile.open(path);
  files.push(file);
  return { file, vision: visionModel(file) };
}

async function closeFiles(files: readonly GgufFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

function validateModel(model: GgufFile): void {
  const architecture = model.string('general.architecture');
  if (architecture !== 'llama') {
    throw unsupported(
      model.name,
      architecture === 'clip'
        ? 'This is the mmproj file of a pair; give the language model and keep this file beside it.'
        : `The architecture is ${String(architecture)}; only language models of the llama family are supported.`,
    );
  }
  for (const name of ['token_embd.weight', 'output_norm.weight'])
    if (!model.tensors.has(name)) throw malformed(model.name, `Tensor ${name} is missing.`);
}

/** The description stored at conversion. A pair opened without its tower is served as text only. */
function ownDescription(json: string, file: string, isTextOnly: boolean): ModelDescription {
  const description = parseJson(new TextEncoder().encode(json), file, modelDescriptionSchema);
  return isTextOnly ? { ...description, vision: null } : description;
}

function validatePair(description: ModelDescription, model: GgufFile, vision: VisionModel | null): void {
  const embedding = model.tensors.get('token_embd.weight');
  const width = embedding?.dimensions[0] ?? 0;
  const rows = embedding?.dimensions[1] ?? 0;
  const { tokenizer, vision: settings } = description;
  if (tokenizer.tokenCount > rows || tokenizer.eosIds.some((id) => id >= rows))
    throw malformed(model.name, `The tokenizer has more tokens than the embedding's ${rows} rows.`);
  if (vision === null) return;
  if (settings !== null && hasClassTokenInMap(settings))
    throw unsupported(model.name, 'The class token is kept, but a map of tiles has no place for it.');
  const last = vision.projectorLayers === 0 ? undefined : `mm.${(vision.projectorLayers - 1) * 2}.weight`;
  const features = last === undefined ? vision.hiddenSize : vision.tensors.get(last)?.dimensions[1];
  if (features !== width) {
    throw malformed(
      model.name,
      `The projector gives ${String(features)} features, the language model takes ${width}: the two files do not belong together.`,
    );
  }
  // Without tiles there are no rows to end.
  if (settings?.aspect === 'anyres' && settings.mergeType === 'spatial_unpad' && !vision.hasNewline)
    throw malformed(
      model.name,
      'The model ends image rows with a newline vector, but v.image_newline is missing.',
    );
}
