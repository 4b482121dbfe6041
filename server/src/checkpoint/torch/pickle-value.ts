// What a pickle can become here: plain data. A class or function is a symbol with a name, a call is a record of what would have
// been called, and neither is ever more than that.

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleSymbol
  | PickleCall
  | PickleStorage;

export interface PickleTuple {
  readonly kind: 'tuple';
  readonly items: readonly PickleValue[];
}
interface PickleList {
  readonly kind: 'list';
  readonly items: PickleValue[];
}
/** A dict or an OrderedDict. */
interface PickleDict {
  readonly kind: 'dict';
  readonly entries: Map<PickleKey, PickleValue>;
}
export type PickleKey = string | number | bigint | boolean | null;

/** A name that the pickle imports, allowed and inert. */
export interface PickleSymbol {
  readonly kind: 'symbol';
  readonly name: AllowedSymbol;
}
/** An allowed rebuild function with its arguments; never called. */
export interface PickleCall {
  readonly kind: 'call';
  readonly name: RebuildFunction;
  readonly args: readonly PickleValue[];
}
/** A persistent id: a storage in a file of its own. */
interface PickleStorage {
  readonly kind: 'storage';
  readonly id: PickleTuple;
}

const REBUILD_FUNCTIONS = [
  'torch._utils _rebuild_tensor_v2',
  'torch._utils _rebuild_tensor',
  'torch._utils _rebuild_parameter',
  'torch._tensor _rebuild_from_type_v2',
] as const;
type RebuildFunction = (typeof REBUILD_FUNCTIONS)[number];

const STORAGE_CLASSES = [
  'torch HalfStorage',
  'torch BFloat16Storage',
  'torch FloatStorage',
  'torch DoubleStorage',
  'torch LongStorage',
  'torch IntStorage',
  'torch ShortStorage',
  'torch CharStorage',
  'torch ByteStorage',
  'torch BoolStorage',
  'torch.storage UntypedStorage',
] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];

/** Everything a pickle may import. The two tensor classes only ever stand as an argument of _rebuild_from_type_v2. */
const OTHER_SYMBOLS = [
  'collections OrderedDict',
  'torch Size',
  'torch Tensor',
  'torch.nn.parameter Parameter',
] as const;
type AllowedSymbol = RebuildFunction | StorageClass | (typeof OTHER_SYMBOLS)[number];

const ALLOWED: ReadonlyMap<string, AllowedSymbol> = new Map(
  [...REBUILD_FUNCTIONS, ...STORAGE_CLASSES, ...OTHER_SYMBOLS].map((name) => [name, name]),
);

export function allowedSymbol(module: string, name: string): AllowedSymbol | undefined {
  return ALLOWED.get(`${module} ${name}`);
}

export function isRebuildFunction(name: AllowedSymbol): name is RebuildFunction {
  return REBUILD_FUNCTIONS.some((allowed) => allowed === name);
}

/** For messages. */
export function kindOf(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  return typeof value === 'object' ? value.kind : typeof value;
}

export function dictOf(value: PickleValue | undefined): PickleDict | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'dict' ? value : undefined;
}

export function tupleOf(value: PickleValue | undefined): PickleTuple | undefined {
  return value !== null && typeof value === 'object' && value.kind === 'tuple' ? value : undefined;
}
