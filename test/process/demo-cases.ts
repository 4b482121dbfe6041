// What the demo model is expected to answer, from models/demo/expected.json.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));

interface DemoAnswer {
  readonly request: Readonly<Record<string, unknown>> & { readonly text: string };
  readonly prompt_ids: readonly number[];
  readonly answer: string;
  readonly answer_ids: readonly number[];
}

export interface DemoCase extends DemoAnswer {
  /** For the name of a test. */
  readonly id: string;
  readonly image: string;
  readonly image_tokens: number;
}

const expected = JSON.parse(readFileSync(path.join(DEMO, 'expected.json'), 'utf8')) as {
  readonly images: readonly {
    readonly image: string;
    readonly image_tokens: number;
    readonly answers: readonly DemoAnswer[];
  }[];
};

export const demoCases: readonly DemoCase[] = expected.images.flatMap(({ image, image_tokens, answers }) =>
  answers.map((answer, index) => ({ id: `${image} ${index}`, image, image_tokens, ...answer })),
);

export const imageBytes = (image: string) => new Uint8Array(readFileSync(path.join(DEMO, image)));
