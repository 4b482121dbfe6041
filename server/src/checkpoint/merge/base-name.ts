// What base_model_name_or_path of an adapter can mean: a name of the hub, a path of this machine, or, most often of all, a path of the
// machine that it was trained on. Pure: says where to look.
import { parseModelId } from '../hub/model-id.js';

export interface BaseName {
  /** Components of a path below the checkpoint's folder; null for anything else. */
  readonly inside: readonly string[] | null;
  /** The last component: a folder of that name may lie beside the checkpoint's. */
  readonly last: string;
  /** owner/name of the hub; null where the text tells none. */
  readonly id: string | null;
  /** The name says that the base is quantised, which nothing can be merged into. */
  readonly isQuantised: boolean;
}

const IS_PATH = /^(?:[/~\\]|\.{1,2}(?:[/\\]|$)|[A-Za-z]:[/\\])/;
/** A folder of the hub's cache: models--owner--name. */
const CACHE_FOLDER = /^models--(.+?)--(.+)$/;
/** How 4-bit and 8-bit copies of models are called: …-bnb-4bit, …-4bit, …-AWQ, …-GPTQ, …-int4. */
const QUANTISED = /(?:^|[-_.])(?:bnb|[48]-?bits?|int[48]|awq|gptq)(?:$|[-_.])/iu;

export function parseBaseName(name: string): BaseName {
  const components = name.split(/[/\\]/).filter((component) => component !== '' && component !== '.');
  const isAbsolute = IS_PATH.test(name) && !name.startsWith('.');
  const last = components.at(-1) ?? '';
  return {
    inside: isAbsolute || components.includes('..') || components.length === 0 ? null : components,
    last,
    id: cachedId(components) ?? (IS_PATH.test(name) ? null : (parseModelId(name)?.id ?? null)),
    isQuantised: QUANTISED.test(last),
  };
}

function cachedId(components: readonly string[]): string | undefined {
  for (const component of components) {
    const [, owner, repository] = CACHE_FOLDER.exec(component) ?? [];
    if (owner !== undefined && repository !== undefined) return `${owner}/${repository}`;
  }
  return undefined;
}
