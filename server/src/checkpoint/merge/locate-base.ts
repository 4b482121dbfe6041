// Where the base of a LoRA checkpoint is: where the operator says, else where its adapter_config.json says, as far as that is a place of
// this machine or of the hub.
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { CheckpointError } from '../../errors.js';
import { missing, unsupported } from '../failures.js';
import { isPlainName } from '../files/contained-path.js';
import { isFolder } from '../files/is-folder.js';
import { parseModelId } from '../hub/model-id.js';
import { parseBaseName } from './base-name.js';

/** Finds or fetches the folder of a base on the hub; owner/name, with @revision where the operator names one. */
export type BaseLocator = (id: string) => Promise<string | undefined>;

export interface BaseRequest {
  /** Of the LoRA checkpoint. */
  readonly folder: string;
  /** base_model_name_or_path. */
  readonly baseName: string | null;
  /** The setting `model_base`. */
  readonly modelBase: string | null;
  readonly locateBase: BaseLocator | undefined;
}

export const HOW_TO_NAME =
  'Name the folder of the base, or owner/name of the hub, as model_base (--model-base, TAKEOFF_MODEL_BASE).';

export interface LocatedBase {
  readonly folder: string;
  readonly warnings: readonly string[];
}

/** @throws CheckpointError checkpoint.missing, checkpoint.unsupported; HubError */
export async function locateBase(request: BaseRequest): Promise<LocatedBase> {
  const { baseName, modelBase } = request;
  if (modelBase !== null) {
    const folder = await ofOperator(modelBase, request);
    return { folder, warnings: otherNameWarnings(baseName, modelBase) };
  }
  if (baseName === null)
    throw missing(
      request.folder,
      `adapter_config.json does not say which model the adapter belongs to (base_model_name_or_path). ${HOW_TO_NAME}`,
    );
  const folder = (await onThisMachine(baseName, request.folder)) ?? (await onTheHub(baseName, request));
  if (folder === undefined) throw notFound(baseName, request.folder);
  return { folder, warnings: [] };
}

async function ofOperator(modelBase: string, { folder, locateBase: locate }: BaseRequest): Promise<string> {
  if (await isFolder(modelBase)) return resolve(modelBase);
  const found = parseModelId(modelBase) === undefined ? undefined : await locate?.(modelBase);
  if (found !== undefined) return found;
  throw missing(
    modelBase,
    `There is no such folder; model_base names it as the base of the LoRA checkpoint ${folder}. Allowed are a folder, and owner/name of the hub.`,
  );
}

/** An absolute path, a folder inside the checkpoint's, or one of the same name beside it. */
async function onThisMachine(name: string, folder: string): Promise<string | undefined> {
  const { inside, last } = parseBaseName(name);
  const candidates = [
    ...(isAbsolute(name) ? [name] : []),
    ...(inside?.every(isPlainName) === true ? [join(folder, ...inside)] : []),
    ...(isPlainName(last) ? [join(dirname(resolve(folder)), last)] : []),
  ];
  for (const candidate of candidates)
    if (resolve(candidate) !== resolve(folder) && (await isFolder(candidate))) return candidate;
  return undefined;
}

async function onTheHub(
  name: string,
  { folder, locateBase: locate }: BaseRequest,
): Promise<string | undefined> {
  const { id, isQuantised } = parseBaseName(name);
  if (id === null) return undefined;
  if (isQuantised)
    throw unsupported(
      folder,
      `adapter_config.json names ${name} as the base, which is quantised by its name: nothing can be merged into it. Name the 16-bit model that it was made of as model_base (--model-base, TAKEOFF_MODEL_BASE).`,
    );
  return locate?.(id);
}

const notFound = (name: string, folder: string): CheckpointError =>
  missing(
    folder,
    `This is a LoRA checkpoint, and its base ${name} (base_model_name_or_path of adapter_config.json) is not at hand: neither as a path nor as a folder ${parseBaseName(name).last} beside this one nor on the hub. ${HOW_TO_NAME}`,
  );

/** Weights of the right shapes that are another model's would answer nonsense without an error. */
function otherNameWarnings(baseName: string | null, modelBase: string): string[] {
  if (baseName === null) return [];
  return shortName(baseName) === shortName(modelBase)
    ? []
    : [
        `The adapter was trained on ${baseName}, and model_base is ${modelBase}. If they are not the same weights, answers are wrong.`,
      ];
}

/** Without owner, folders and revision, which differ between machines. */
function shortName(name: string): string {
  const { id, last } = parseBaseName(name.replace(/@[^/\\]*$/, ''));
  return (id?.split('/')[1] ?? last).toLowerCase();
}
