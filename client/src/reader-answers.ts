// What the management port answers about one reader. Settings have their keys of config.yaml, so nothing is renamed.
import { isRecord } from './answers.js';
import { UnexpectedAnswerError } from './errors.js';

/** What a reader is set to; secrets are hidden. */
export interface AddedReader extends Readonly<Record<string, unknown>> {
  readonly reader_id: string;
}

/** The model's own config.json, once the reader is live, and beside its keys the settings of the reader. */
export interface ReaderConfig extends Readonly<Record<string, unknown>> {
  readonly takeoff: Readonly<Record<string, unknown>>;
}

/** @throws UnexpectedAnswerError */
export function parseAddedReader(body: unknown): AddedReader {
  if (isRecord(body) && typeof body['reader_id'] === 'string')
    return { ...body, reader_id: body['reader_id'] };
  throw new UnexpectedAnswerError('The answer of /reader names no reader_id.');
}

/** @throws UnexpectedAnswerError */
export function parseReaderConfig(body: unknown): ReaderConfig {
  // Takeoff's own server answers the config.json alone.
  if (isRecord(body)) return { ...body, takeoff: isRecord(body['takeoff']) ? body['takeoff'] : {} };
  throw new UnexpectedAnswerError('The answer of /config is no JSON object.');
}
