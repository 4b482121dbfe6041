// The header of a safetensors file: JSON that gives each tensor a type, a shape and a range of the bytes that follow. Pure:
// every range is checked against shape, type and file before anyone reads through it.
import { z } from 'zod';
import { listNames, malformed, unsupported } from '../failures.js';
import { parseJson } from '../files/json-file.js';
import { ELEMENT_BYTES, elementCountOf, MAX_DIMENSIONS, type ElementType } from '../files/stored-tensor.js';

interface SafetensorsRecord {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  /** From the first byte after the header. */
  readonly startBytes: number;
}

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().min(0)).max(MAX_DIMENSIONS),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const headerSchema = z.record(z.string(), z.unknown());

/**
 * Parses the JSON of a header. `dataBytes` is what follows the header in the file.
 * The ranges must cover those bytes without gap or overlap, as the format demands; so a truncated file is noticed.
 * @throws CheckpointError checkpoint.malformed, checkpoint.unsupported (an element type without known width)
 */
export function parseSafetensorsHeader(
  headerBytes: Uint8Array,
  dataBytes: number,
  file: string,
): SafetensorsRecord[] {
  const header = parseJson(headerBytes, file, headerSchema);
  const ranges = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => validateEntry(name, value, file));
  ranges.sort((a, b) => a.startBytes - b.startBytes || a.endBytes - b.endBytes);
  let coveredBytes = 0;
  for (const range of ranges) {
    if (range.startBytes !== coveredBytes) {
      throw malformed(
        file,
        `Tensor ${range.name} begins at byte ${range.startBytes} of the data instead of ${coveredBytes}: tensors overlap or leave a gap.`,
      );
    }
    coveredBytes = range.endBytes;
  }
  if (coveredBytes !== dataBytes) {
    throw malformed(
      file,
      `The tensors need ${coveredBytes} bytes of data, the file has ${dataBytes}: it is truncated or not what its header says.`,
    );
  }
  return ranges;
}

function validateEntry(name: string, value: unknown, file: string): SafetensorsRecord & { endBytes: number } {
  const entry = entrySchema.safeParse(value);
  if (!entry.success) {
    throw malformed(
      file,
      `The header's entry ${JSON.stringify(name)} is not {dtype, shape, data_offsets} with whole numbers.`,
    );
  }
  const { dtype, shape, data_offsets } = entry.data;
  if (!isElementType(dtype)) {
    throw unsupported(
      file,
      `Tensor ${name} has element type ${JSON.stringify(dtype)}; known are ${listNames(Object.keys(ELEMENT_BYTES), 20)}.`,
    );
  }
  const [startBytes, endBytes] = data_offsets;
  const elements = elementCountOf(shape);
  if (elements === undefined || elements * ELEMENT_BYTES[dtype] !== endBytes - startBytes) {
    throw malformed(
      file,
      `Tensor ${name} of shape [${shape.join(', ')}] and type ${dtype} does not fill the bytes ${startBytes} to ${endBytes}.`,
    );
  }
  return { name, elementType: dtype, shape, startBytes, endBytes };
}

function isElementType(dtype: string): dtype is ElementType {
  return Object.hasOwn(ELEMENT_BYTES, dtype);
}
