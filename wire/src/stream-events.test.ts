import { expect, it } from 'vitest';
import { SseDecoder } from './sse-decoder.js';
import {
  batchEventSchema,
  encodeBatchEvent,
  encodeErrorEvent,
  encodeMetadataEvent,
  errorBodySchema,
  metadataEventSchema,
} from './stream-events.js';

const METADATA = {
  prompt_tokens: 9,
  image_tokens: 4,
  cached_tokens: 3,
  generated_tokens: 2,
  finish_reason: 'stop',
} as const;

const decodeOne = (text: string) => {
  const events = new SseDecoder().push(new TextEncoder().encode(text));
  expect(events).toHaveLength(1);
  return events[0] ?? { name: '', data: '' };
};

it('encodeBatchEvent writes exactly the bytes of the documentation', () => {
  expect(encodeBatchEvent('5', 0)).toBe('data:{"text":"5","batch_id":0}\n\n');
});

it('encodeBatchEvent keeps spaces, newlines and emoji', () => {
  const { data } = decodeOne(encodeBatchEvent(' a\n😀', 2));
  expect(batchEventSchema.parse(JSON.parse(data))).toEqual({ text: ' a\n😀', batch_id: 2 });
});

it('encodeMetadataEvent writes batch_id for a list only', () => {
  expect(metadataEventSchema.parse(JSON.parse(decodeOne(encodeMetadataEvent(METADATA, null)).data))).toEqual({
    text: '',
    metadata: METADATA,
  });
  expect(batchEventSchema.parse(JSON.parse(decodeOne(encodeMetadataEvent(METADATA, 1)).data))).toEqual({
    text: '',
    batch_id: 1,
    metadata: METADATA,
  });
});

it('encodeErrorEvent names its event error', () => {
  const body = { error: { code: 'reader.died', message: 'The reader ended.\nTry again.' } } as const;
  const event = decodeOne(encodeErrorEvent(body));
  expect(event.name).toBe('error');
  expect(errorBodySchema.parse(JSON.parse(event.data))).toEqual(body);
});
