// From an unpickled state dict to tensor views: which storage, from which element on, in which shape and strides. Every number is
// checked here against the storage that the view claims to look at.
import { malformed, unsupported } from '../failures.js';
import { ELEMENT_BYTES, elementCountOf, MAX_DIMENSIONS, type ElementType } from '../files/stored-tensor.js';
import {
  dictOf,
  kindOf,
  tupleOf,
  type PickleCall,
  type PickleValue,
  type StorageClass,
} from './pickle-value.js';

export interface TensorView {
  readonly name: string;
  readonly storage: StorageReference;
  /** Elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements, one for each dimension. */
  readonly strides: readonly number[];
}

export interface StorageReference {
  readonly key: string;
  readonly elementType: ElementType;
  readonly elements: number;
}

const ELEMENT_TYPES: Readonly<Record<StorageClass, ElementType>> = {
  'torch HalfStorage': 'F16',
  'torch BFloat16Storage': 'BF16',
  'torch FloatStorage': 'F32',
  'torch DoubleStorage': 'F64',
  'torch LongStorage': 'I64',
  'torch IntStorage': 'I32',
  'torch ShortStorage': 'I16',
  'torch CharStorage': 'I8',
  'torch ByteStorage': 'U8',
  'torch BoolStorage': 'BOOL',
  'torch.storage UntypedStorage': 'U8',
};

/** An expanded view (stride 0) may be larger than its storage; this much larger, and no more. */
const MAX_EXPANDED_BYTES = 64 * 2 ** 20;
/** _rebuild_parameter around _rebuild_from_type_v2 around a tensor: deeper nesting has no meaning. */
const MAX_NESTING = 4;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported */
export function tensorViews(root: PickleValue, file: string): TensorView[] {
  const dict = dictOf(root);
  if (dict === undefined)
    throw unsupported(file, `The pickle holds a ${kindOf(root)}, not a dictionary of tensors.`);
  return Array.from(dict.entries, ([key, value]) => {
    if (typeof key !== 'string')
      throw unsupported(file, 'The pickle has tensors under names that are no text.');
    return validateView(viewOf(key, value, file, MAX_NESTING), file);
  });
}

function viewOf(name: string, value: PickleValue | undefined, file: string, depth: number): TensorView {
  if (
    value === undefined ||
    value === null ||
    typeof value !== 'object' ||
    value.kind !== 'call' ||
    depth === 0
  )
    throw unsupported(file, `${name} is a ${kindOf(value)}, not a tensor.`);
  const { args } = value;
  switch (value.name) {
    case 'torch._utils _rebuild_parameter':
      return viewOf(name, args[0], file, depth - 1);
    case 'torch._tensor _rebuild_from_type_v2':
      return viewOf(name, wrapped(name, value, file), file, depth - 1);
    case 'torch._utils _rebuild_tensor':
    case 'torch._utils _rebuild_tensor_v2':
      return {
        name,
        storage: storageOf(name, args[0], file),
        offset: wholeNumber(args[1], name, file),
        shape: wholeNumbers(args[2], name, file),
        strides: wholeNumbers(args[3], name, file),
      };
  }
}

/** (function, type, arguments, state): the tensor is what the function would rebuild from the arguments. */
function wrapped(name: string, { args }: PickleCall, file: string): PickleCall {
  const [inner, , innerArgs] = args;
  const items = tupleOf(innerArgs)?.items;
  if (inner === null || typeof inner !== 'object' || inner.kind !== 'symbol' || items === undefined)
    throw malformed(file, `${name} is wrapped in a way that is not understood.`);
  if (inner.name !== 'torch._utils _rebuild_tensor_v2' && inner.name !== 'torch._utils _rebuild_parameter')
    throw unsupported(file, `${name} would be rebuilt by ${inner.name}.`);
  return { kind: 'call', name: inner.name, args: items };
}

/** ('storage', class, key, location, elements) and, in the old format, a view of the storage, which must be absent. */
function storageOf(name: string, value: PickleValue | undefined, file: string): StorageReference {
  const id = value !== null && typeof value === 'object' && value.kind === 'storage' ? value.id.items : [];
  const [tag, kind, key, , elements, view] = id;
  if (tag !== 'storage' || typeof key !== 'string' || kind === null || typeof kind !== 'object')
    throw malformed(file, `${name} has no storage.`);
  if (view !== undefined && view !== null)
    throw unsupported(
      file,
      `${name} looks at a part of another storage, as only very old torch versions wrote.`,
    );
  const elementType = kind.kind === 'symbol' ? elementTypeOf(kind.name) : undefined;
  if (elementType === undefined) throw unsupported(file, `${name} has a storage of an unknown class.`);
  return { key, elementType, elements: wholeNumber(elements, name, file) };
}

function elementTypeOf(name: string): ElementType | undefined {
  return new Map<string, ElementType>(Object.entries(ELEMENT_TYPES)).get(name);
}

function validateView(view: TensorView, file: string): TensorView {
  const { name, storage, offset, shape, strides } = view;
  if (shape.length !== strides.length || shape.length > MAX_DIMENSIONS)
    throw malformed(file, `${name} has ${shape.length} dimensions and ${strides.length} strides.`);
  const elements = elementCountOf(shape);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), offset);
  if (elements === undefined || (elements > 0 && last >= storage.elements)) {
    throw malformed(
      file,
      `${name} of shape [${shape.join(', ')}] reaches past its storage of ${storage.elements} elements.`,
    );
  }
  const width = ELEMENT_BYTES[storage.elementType];
  if (elements > storage.elements && elements * width > MAX_EXPANDED_BYTES) {
    throw unsupported(
      file,
      `${name} of shape [${shape.join(', ')}] repeats a storage of ${storage.elements} elements; that is no weight.`,
    );
  }
  return view;
}

function wholeNumbers(value: PickleValue | undefined, name: string, file: string): number[] {
  const items = tupleOf(value)?.items;
  if (items === undefined) throw malformed(file, `${name} has no shape or no strides.`);
  return items.map((item) => wholeNumber(item, name, file));
}

function wholeNumber(value: PickleValue | undefined, name: string, file: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(file, `${name} has a size, offset or stride that is no whole number within 2^53.`);
}
