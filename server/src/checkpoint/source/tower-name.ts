// What mm_vision_tower can mean. Training writes there whatever it was given: a name of the hub, a folder beside config.json, or a path of
// the machine that the model was trained on, in POSIX or Windows spelling, often into the hub's own cache. Pure: says what to look for.

export interface TowerName {
  /** Components of a path inside the checkpoint's folder; null for anything else. */
  readonly inside: readonly string[] | null;
  /** A relative path that leaves the folder. */
  readonly leaves: boolean;
  /** owner/name of the hub; null where the text tells none. */
  readonly id: string | null;
}

/** OpenAI's names are unmistakable, also where a path has lost their owner. */
const OPENAI_NAME = /^clip-vit-(?:base|large)-patch\d{2}(?:-\d{3})?$/;
/** Publishers of CLIP towers, by which a repository is known at the end of a longer path. */
const OWNERS = new Set(['openai', 'laion', 'Lin-Chen', 'zer0int', 'UCSC-VLAA']);
/** A folder of the hub's cache: models--owner--name. */
const CACHE_FOLDER = /^models--(.+?)--(.+)$/;
const IS_ABSOLUTE = /^(?:[/~]|\\\\|[A-Za-z]:|[a-z]+:\/\/)/;

export function parseTowerName(name: string): TowerName {
  const components = componentsOf(name);
  const leaves = components.includes('..');
  const isInside = !IS_ABSOLUTE.test(name) && !leaves && components.length > 0;
  return { inside: isInside ? components : null, leaves, id: hubTowerId(name) };
}

/** The repository of the hub that the text names. */
export function hubTowerId(name: string): string | null {
  const components = componentsOf(name);
  for (const component of components) {
    const [, owner, repository] = CACHE_FOLDER.exec(component) ?? [];
    if (owner !== undefined && repository !== undefined) return `${owner}/${repository}`;
  }
  const [last = '', owner = ''] = components.toReversed();
  if (OPENAI_NAME.test(last)) return `openai/${last}`;
  const isRelative = !IS_ABSOLUTE.test(name) && !components.includes('..');
  const isName = isRelative && (components.length === 2 || components.length === 3);
  return isName || OWNERS.has(owner) ? `${owner}/${last}` : null;
}

/** Without empty components and dots, so that slashes at the end and `./` in front do not matter. */
function componentsOf(name: string): string[] {
  return name.split(/[/\\]/).filter((component) => component !== '' && component !== '.');
}
