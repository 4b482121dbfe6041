// An amount of memory as people set it: bytes, or a share of what is free when the model is loaded.
import { z } from 'zod';

export const memorySizeSchema = z.union([z.int().min(1), z.string().regex(/^\d{1,3}(\.\d+)?%$/u)]);
/** Bytes, or a percentage such as "40%". */
export type MemorySize = z.infer<typeof memorySizeSchema>;

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 2 ** 10,
  MB: 2 ** 20,
  GB: 2 ** 30,
  TB: 2 ** 40,
};
const TEXT = /^(\d+(?:\.\d+)?) ?([KMGT]?I?B|)$/u;

/** "5GB", "512 MiB" and "4096" as bytes, "40%" as it is; undefined for other text. */
export function parseMemorySize(text: string): MemorySize | undefined {
  const trimmed = text.trim();
  if (trimmed.endsWith('%')) return memorySizeSchema.safeParse(trimmed).data;
  const [, number, unit = ''] = TEXT.exec(trimmed.toUpperCase()) ?? [];
  const factor = UNIT_BYTES[unit.replace('I', '')];
  if (number === undefined || factor === undefined) return undefined;
  return memorySizeSchema.safeParse(Math.round(Number(number) * factor)).data;
}

export const bytesOf = (size: MemorySize, freeBytes: number): number =>
  typeof size === 'number' ? size : Math.floor((Number(size.slice(0, -1)) / 100) * freeBytes);

const SHOWN_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 1536 to "1.5 KiB". */
export function bytesText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), SHOWN_UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${SHOWN_UNITS[power] ?? ''}`;
}
