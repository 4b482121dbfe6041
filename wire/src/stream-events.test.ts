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

const METADATA = { prompt_tokens: 9, image_tokens: 4, generated_tokens: 2, finish_reason: 'stop' } as const;

const decodeOne = (text: string) => {
  const events = new SseDecoder().push(new TextEncoder().encode(text));
  expect(events).toHaveLength(1);
  return events[0] ?? { name: '', data: '' };
};

it('prints batch events exactly as the documentation does', () => {
  expect(encodeBatchEvent('5', 0)).toBe('data:{"text":"5","batch_id":0}\n\n');
});

it('keeps spaces, newlines and emoji of a batch event', () => {
  const { data } = decodeOne(encodeBatchEvent(' a\n😀', 2));
  expect(batchEventSchema.parse(JSON.parse(data))).toEqual({ text: ' a\n😀', batch_id: 2 });
});

it('puts metadata into the last event, with batch_id for a list only', () => {
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

it('names error events', () => {
  const body = { error: { code: 'reader.died', message: 'The reader ended.\nTry again.' } } as const;
  const event = decodeOne(encodeErrorEvent(body));
  expect(event.name).toBe('error');
  expect(errorBodySchema.parse(JSON.parse(event.data))).toEqual(body);
});
