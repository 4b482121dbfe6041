// The answer of GET /page/status. A body is unknown until it is parsed here; wire has its schema, which parse-status.test.ts holds
// this parser to, because zod would be a third of the page.
import type { PageLimits, PageReader, PageStatus } from 'takeoff-wire';

/** Undefined where the body is not the status of a Takeoff server. */
export function parsePageStatus(body: unknown): PageStatus | undefined {
  return isRecord(body) && isPageStatus(body) ? body : undefined;
}

type Unread<T> = Readonly<Partial<Record<keyof T, unknown>>>;

const isPageStatus = (body: Unread<PageStatus>): body is PageStatus =>
  typeof body.version === 'string' &&
  isRecord(body.limits) &&
  isLimits(body.limits) &&
  Array.isArray(body.readers) &&
  body.readers.every((reader) => isRecord(reader) && isReader(reader));

const isLimits = (limits: Unread<PageLimits>): limits is PageLimits =>
  [limits.body_size_limit_bytes, limits.max_image_pixels, limits.max_image_side_px].every(isNumber);

const STATES: readonly unknown[] = [
  'starting',
  'loading',
  'live',
  'draining',
  'dead',
  'stopped',
] satisfies PageReader['state'][];

const isReader = (reader: Unread<PageReader>): reader is PageReader =>
  [reader.reader_id, reader.model_name].every(isText) &&
  Array.isArray(reader.consumer_groups) &&
  reader.consumer_groups.every(isText) &&
  STATES.includes(reader.state) &&
  (reader.stage === undefined || isText(reader.stage)) &&
  (reader.fraction === undefined || isNumber(reader.fraction)) &&
  (reader.failure === undefined || isFailure(reader.failure)) &&
  [reader.open_prompts, reader.max_batch_size].every(isNumber) &&
  (reader.takes_images === null || typeof reader.takes_images === 'boolean') &&
  (reader.image_tokens === null || isNumber(reader.image_tokens)) &&
  (reader.loras === undefined || (Array.isArray(reader.loras) && reader.loras.every(isText)));

const isFailure = (value: unknown): boolean =>
  isRecord(value) && isText(value['code']) && typeof value['restarts'] === 'boolean';

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
