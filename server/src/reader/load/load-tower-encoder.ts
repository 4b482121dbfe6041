// The vision side of a GGUF pair: tower and projector weights copied to the compute device, graphs built around them.
import type { GgufFile } from '../../checkpoint/gguf/gguf-file.js';
import type { VisionModel } from '../../checkpoint/pair/vision-model.js';
import { CheckpointError } from '../../errors.js';
import type { VisionSettings } from '../../model/description.js';
import { isTensorType, TENSOR_TYPES, type TensorType } from '../../model/tensor-types.js';
import type { Runtime } from '../../native/runtime.js';
import { TensorStore } from '../../native/tensors.js';
import { TowerEncoder } from '../vision/tower-encoder.js';
import { VisionTower } from '../vision/tower.js';
import { isMatrix } from '../vision/tower-graph.js';

const NEWLINE = 'v.image_newline';
/** Tiles of one run on a GPU: those of an anyres image of two by two and its overview. */
export const TILES_PER_RUN = 5;

export interface VisionLoad {
  readonly file: GgufFile;
  readonly vision: VisionModel;
  readonly settings: VisionSettings;
  readonly textWidth: number;
  /** f32 attention, for parity with the reference. */
  readonly isExact: boolean;
}

/** The encoder owns the weights and the graphs; closing it frees them. */
export async function loadTowerEncoder(runtime: Runtime, load: VisionLoad): Promise<TowerEncoder> {
  const { file, vision, settings, textWidth, isExact } = load;
  const weights = [...vision.tensors].filter(([name]) => name !== NEWLINE);
  const store = new TensorStore(
    runtime,
    weights.map(([name, { type, dimensions }]) => ({
      name,
      type: tensorType(file, name, type),
      dims: dimensions,
      isMatrix: isMatrix(name),
    })),
  );
  for (const [name, tensor] of weights) store.write(name, await file.read(tensor));
  const isOnGpu = runtime.gpus.length > 0;
  const shape = { ...vision, keepsClassToken: settings.keepsClassToken, textWidth };
  const tower = new VisionTower(runtime, store, shape, {
    attention: isExact ? 'exact' : isOnGpu ? 'flash_f16' : 'flash',
    canPause: !isOnGpu,
    tilesPerRun: isOnGpu ? TILES_PER_RUN : 1,
  });
  const closeParts = (): void => {
    tower.close();
    store.close();
  };
  return new TowerEncoder({ tower, settings, newline: await readNewline(file, vision), closeParts });
}

async function readNewline(file: GgufFile, vision: VisionModel): Promise<Float32Array | null> {
  const tensor = vision.tensors.get(NEWLINE);
  if (tensor === undefined) return null;
  if (tensor.type !== 'F32') throw unsupportedType(file, NEWLINE, tensor.type, ['F32']);
  const bytes = await file.read(tensor);
  const values = new Float32Array(bytes.byteLength / 4);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

function tensorType(file: GgufFile, name: string, type: string): TensorType {
  if (isTensorType(type)) return type;
  throw unsupportedType(file, name, type, Object.keys(TENSOR_TYPES));
}

const unsupportedType = (
  file: GgufFile,
  name: string,
  type: string,
  allowed: readonly string[],
): CheckpointError =>
  new CheckpointError(
    'checkpoint.unsupported',
    `${file.name}: tensor ${name} is of type ${type}; the vision side takes ${allowed.join(', ')}.`,
  );
