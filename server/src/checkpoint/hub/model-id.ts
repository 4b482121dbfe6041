// The name of a repository on the model hub, as operators write it: owner/name, with @revision for another branch, tag or commit.
// Names end up in paths and addresses, so everything that means something in either is refused.

export interface HubModel {
  /** owner/name */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

const DEFAULT_REVISION = 'main';

/** The hub's own rule for names: letters, digits, `-`, `_` and `.`; at most 96 characters; no `--` and no `..`. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$/;
/** Branches may have slashes (refs/pr/3). */
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** Undefined when the text cannot be a model of the hub. */
export function parseModelId(text: string): HubModel | undefined {
  const [id = '', revision = DEFAULT_REVISION, ...rest] = text.split('@');
  const names = id.split('/');
  const isId = names.length === 2 && names.every((name) => NAME.test(name) && !/--|\.\./.test(name));
  const isRevision = REVISION.test(revision) && !/\.\.|\/\/|\/\.|\/$/.test(revision);
  return rest.length === 0 && isId && isRevision ? { id, revision } : undefined;
}

/** A commit never changes, so nobody has to be asked what it stands for. */
export const isCommit = (revision: string): boolean => COMMIT.test(revision);
