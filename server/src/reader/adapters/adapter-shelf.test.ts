import { describe, expect, it } from 'vitest';
import { messageOf } from '../../gateway/answer/message.fixture.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import { AdapterShelf, firstAdapterId } from './adapter-shelf.js';

const FIRST = firstAdapterId('style');

/** A shelf over a memory that only remembers which ids it holds; a file called `broken` cannot be loaded. */
function shelfWith(loaded: Readonly<Record<string, string>>) {
  const held = new Map(Object.entries(loaded).map(([name, source]) => [firstAdapterId(name), source]));
  let isBetweenSteps = false;
  const mustStandStill = (): void => {
    if (!isBetweenSteps) throw new TypeError('the engine may be computing');
  };
  const defects: unknown[] = [];
  const shelf = new AdapterShelf({
    loaded,
    memory: {
      loadAdapter: (id, file) => {
        mustStandStill();
        if (held.has(id)) throw new TypeError(`${id} is there already`);
        if (file === 'made of broken') return Promise.reject(new TypeError('it does not fit'));
        held.set(id, file);
        return Promise.resolve();
      },
      unloadAdapter: (id) => {
        mustStandStill();
        if (!held.delete(id)) throw new TypeError(`${id} is not there`);
      },
    },
    prepare: (source) => Promise.resolve(`made of ${source}`),
    betweenSteps: async (work) => {
      isBetweenSteps = true;
      try {
        return await work();
      } finally {
        isBetweenSteps = false;
      }
    },
    onDefect: (error) => defects.push(error),
  });
  const admit = (requestId: string, loraId: string | null, prompts = 1): string | null => {
    const message: GenerateMessage = { ...messageOf(prompts, requestId), loraId };
    return shelf.admit(message).loraId;
  };
  const end = (requestId: string, prompt = 0): void =>
    shelf.hear({ kind: 'error', requestId, prompt, code: 'server.internal', message: 'the end' });
  return { shelf, held, admit, end, defects };
}

describe('AdapterShelf', () => {
  it('admits requests to what the reader was started with, and names that where another is asked for', () => {
    const { admit } = shelfWith({ style: '/style', ocr: '/ocr' });
    expect([admit('a', 'style'), admit('b', null)]).toEqual([FIRST, null]);
    expect(() => admit('c', 'none')).toThrow('of this reader are: "style", "ocr"');
    expect(() => shelfWith({}).admit('c', 'none')).toThrow('are: none');
  });

  it('loads what is new, keeps what is there and frees what is dropped', async () => {
    const { shelf, held, admit } = shelfWith({ style: '/style', ocr: '/ocr' });
    expect(await shelf.change({ ocr: '/ocr', medical: '/medical' })).toEqual(['ocr', 'medical']);
    expect([...held.values()].sort()).toEqual(['/ocr', 'made of /medical']);
    expect(admit('a', 'ocr')).toBe(firstAdapterId('ocr'));
    expect(() => admit('b', 'style')).toThrow('of this reader are: "ocr", "medical"');
  });

  it('lets requests end with the adapter that they began with, and frees it when the last one has', async () => {
    const { shelf, held, admit, end, defects } = shelfWith({ style: '/old' });
    admit('a', 'style', 2);
    await shelf.change({ style: '/new' });
    const second = admit('b', 'style');
    expect(second).not.toBe(FIRST);
    end('a');
    end('b');
    expect(held.has(FIRST)).toBe(true);
    end('a', 1);
    await expect.poll(() => [...held.values()]).toEqual(['made of /new']);
    expect(defects).toEqual([]);
  });

  it('gives an adapter that comes back another id, because rows were computed with the one before', async () => {
    const { shelf, admit } = shelfWith({ style: '/style' });
    await shelf.change({});
    await shelf.change({ style: '/style' });
    expect(admit('a', 'style')).not.toBe(FIRST);
  });

  it('leaves everything as it was where one of several cannot be loaded', async () => {
    const { shelf, held, admit } = shelfWith({ style: '/style' });
    await expect(shelf.change({ ocr: '/ocr', bad: 'broken' })).rejects.toMatchObject({
      code: 'request.reader_invalid',
      message: 'The adapter "bad" cannot be loaded, so the adapters are as they were: it does not fit',
    });
    expect([...held.keys()]).toEqual([FIRST]);
    expect(admit('a', 'style')).toBe(FIRST);
  });

  it('makes one change after the other', async () => {
    const { shelf, held } = shelfWith({});
    const changes = [shelf.change({ a: '/a' }), shelf.change({ b: 'broken' }), shelf.change({ c: '/c' })];
    expect((await Promise.allSettled(changes)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect([...held.values()]).toEqual(['made of /c']);
  });
});
