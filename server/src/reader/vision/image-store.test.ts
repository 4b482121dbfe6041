import { describe, expect, it } from 'vitest';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';
import { ROWS_PER_BLOCK } from './feature-memory.js';
import type { ImageEncoder } from './image-encoder.js';
import { imageIdentity } from './image-identity.js';
import { ImageStore, type StoredImage } from './image-store.js';

const image = (sha256: string, widthPx = 4): StoredImage => {
  const payload = { sha256, widthPx, heightPx: 3, sidePx: 112, tiles: new Uint8Array() };
  return { payload, identity: imageIdentity(payload, null, null), keptRows: null };
};
const ROWS = 16;
const FEATURE_BYTES = ROWS * Float32Array.BYTES_PER_ELEMENT;

/** Each encoding has two parts. */
class CountingEncoder implements ImageEncoder {
  readonly canReduce = true;
  readonly started: string[] = [];

  start({ sha256 }: ImagePayload) {
    this.started.push(sha256);
    let partsLeft = 2;
    const features: FeatureRows = { rows: ROWS, row: () => new Float32Array(1) };
    return {
      partCount: 2,
      advance: (maxParts: number) => {
        partsLeft -= maxParts;
        if (partsLeft < 0) throw new RangeError('more parts than there are');
        return Promise.resolve(partsLeft === 0 ? features : undefined);
      },
    };
  }

  close(): void {
    // nothing is held
  }
}

/** @param needed features that somebody has still to read */
async function encode(
  store: ImageStore,
  wanted: StoredImage,
  needed: readonly FeatureRows[] = [],
): Promise<FeatureRows> {
  for (;;) {
    const features = store.get(wanted);
    if (features !== undefined) return features;
    await store.advance(wanted, 1, (features) => needed.includes(features));
  }
}

describe('ImageStore', () => {
  it('keeps the features of an image, so that it is encoded once', async () => {
    const encoder = new CountingEncoder();
    const store = new ImageStore(encoder, 10 * FEATURE_BYTES);
    const first = await encode(store, image('a'));
    expect(store.get(image('a'))).toBe(first);
    expect(store.get(image('a'))).toBe(first);
    expect(encoder.started).toEqual(['a']);
  });

  it('counts images that were there, that were made, and that were being made for another prompt', async () => {
    const store = new ImageStore(new CountingEncoder(), 10 * FEATURE_BYTES);
    const [first, waiting, later] = [image('a'), image('a'), image('a')];
    expect(store.get(waiting)).toBeUndefined();
    await encode(store, first);
    for (const prompt of [waiting, later]) expect(store.get(prompt)).toBeDefined();
    expect(store.counts).toEqual({
      bytes: FEATURE_BYTES,
      maxBytes: 10 * FEATURE_BYTES,
      misses: 1,
      joined: 1,
      hits: 1,
    });
  });

  it('tells images apart by their bytes and by their size', async () => {
    const encoder = new CountingEncoder();
    const store = new ImageStore(encoder, 10 * FEATURE_BYTES);
    await encode(store, image('a', 4));
    expect(store.get(image('b', 4))).toBeUndefined();
    expect(store.get(image('a', 5))).toBeUndefined();
  });

  it('finishes an encoding that is under way before it starts another', async () => {
    const encoder = new CountingEncoder();
    const store = new ImageStore(encoder, 10 * FEATURE_BYTES);
    expect(await store.advance(image('a'), 1, () => false)).toBe(1);
    expect(await store.advance(image('b'), 5, () => false)).toBe(1);
    expect(encoder.started).toEqual(['a']);
    expect(store.get(image('a'))).toBeDefined();
    expect(store.get(image('b'))).toBeUndefined();
  });

  it('lets go of the features that were used longest ago when there are more bytes than allowed', async () => {
    const store = new ImageStore(new CountingEncoder(), 2 * FEATURE_BYTES);
    await encode(store, image('a'));
    await encode(store, image('b'));
    store.get(image('a'));
    await encode(store, image('c'));
    expect(['a', 'b', 'c'].map((name) => store.get(image(name)) !== undefined)).toEqual([true, false, true]);
  });

  it('keeps exactly as many bytes as allowed', async () => {
    const store = new ImageStore(new CountingEncoder(), 2 * FEATURE_BYTES);
    await encode(store, image('a'));
    await encode(store, image('b'));
    expect(store.get(image('a'))).toBeDefined();
  });

  it('keeps the newest features even when they alone are more than allowed', async () => {
    const store = new ImageStore(new CountingEncoder(), 1);
    await encode(store, image('a'));
    expect(store.get(image('a'))).toBeDefined();
    await encode(store, image('b'));
    expect(store.get(image('a'))).toBeUndefined();
    expect(store.get(image('b'))).toBeDefined();
  });

  it('frees what it keeps no more, but for what somebody needs', async () => {
    const store = new ImageStore(new CountingEncoder(), FEATURE_BYTES);
    const a = await encode(store, image('a'));
    const b = await encode(store, image('b'), [a]);
    expect(store.get(image('a'))).toBeUndefined();
    expect(a.row(0)).toHaveLength(1);
    const c = await encode(store, image('c'), [b]);
    expect(() => a.row(0)).toThrow('freed');
    for (const kept of [b, c]) expect(kept.row(0)).toHaveLength(1);
  });

  it('takes no more memory than allowed, however many images come', async () => {
    const store = new ImageStore(new CountingEncoder(), 2 * FEATURE_BYTES);
    const blocks = new Set<ArrayBufferLike>();
    for (let n = 0; n < 10; n += 1) {
      const features = await encode(store, image(`image ${n}`));
      for (let row = 0; row < ROWS; row += 1) blocks.add(features.row(row).buffer);
    }
    expect(blocks.size).toBe(2 * (ROWS / ROWS_PER_BLOCK));
  });
});
