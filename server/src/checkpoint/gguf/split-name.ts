// Names of a model that is split over several GGUF files, as llama.cpp's gguf-split writes them and its loader demands them:
// `name-00001-of-00003.gguf`. The first file has the metadata.
interface SplitName {
  readonly stem: string;
  /** From 1. */
  readonly number: number;
  readonly count: number;
}

const PATTERN = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/;

export function parseSplitName(name: string): SplitName | undefined {
  const [, stem = '', number = '', count = ''] = PATTERN.exec(name) ?? [];
  return stem === '' ? undefined : { stem, number: Number(number), count: Number(count) };
}

export function splitName({ stem, count }: SplitName, number: number): string {
  const digits = (value: number) => String(value).padStart(5, '0');
  return `${stem}-${digits(number)}-of-${digits(count)}.gguf`;
}
