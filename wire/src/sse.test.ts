import { describe, expect, it } from 'vitest';
import { SseDecoder, SseEventTooLargeError, type SseEvent } from './sse-decoder.js';
import { encodeSseEvent, withoutCarriageReturns } from './sse-encoder.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Decodes `bytes` cut at the given places. */
function decode(bytes: Uint8Array, cuts: readonly number[] = []): SseEvent[] {
  const decoder = new SseDecoder();
  const edges = [0, ...cuts, bytes.length];
  return edges.slice(1).flatMap((end, index) => decoder.push(bytes.subarray(edges[index] ?? 0, end)));
}

const messages = (...values: string[]): SseEvent[] => values.map((data) => ({ name: 'message', data }));

/** Deterministic numbers, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

const PIECES = [
  '',
  ' ',
  '  ',
  '\n',
  '\r',
  '\r\n',
  'a',
  'data:',
  ':',
  'é',
  '日',
  '😀',
  '\u{feff}',
  '{"x":1}',
  '\t',
];

function randomText(next: (below: number) => number): string {
  let text = '';
  for (let length = 1 + next(6); length > 0; length -= 1) text += PIECES[next(PIECES.length)] ?? '';
  return text;
}

describe('encodeSseEvent', () => {
  it('writes no space after the colon, as the documentation prints it', () => {
    expect(encodeSseEvent('{"text":"5","batch_id":0}')).toBe('data:{"text":"5","batch_id":0}\n\n');
  });

  it('doubles the first space of a line, which parsers strip', () => {
    expect(encodeSseEvent(' cat\n dog')).toBe('data:  cat\ndata:  dog\n\n');
  });

  it('writes a newline token as two empty data lines', () => {
    expect(encodeSseEvent('\n')).toBe('data:\ndata:\n\n');
  });

  it('removes carriage returns, so that CRLF arrives as a line feed', () => {
    expect(encodeSseEvent('a\r\nb\rc')).toBe('data:a\ndata:bc\n\n');
  });

  it('puts the name in front of the data', () => {
    expect(encodeSseEvent('x', 'error')).toBe('event: error\ndata:x\n\n');
  });
});

describe('SseDecoder', () => {
  it('gives back what the encoder wrote, at every cut of random streams', () => {
    const next = numbers(7);
    for (let round = 0; round < 60; round += 1) {
      const texts = Array.from({ length: 1 + next(4) }, () => randomText(next));
      const bytes = bytesOf(texts.map((text) => encodeSseEvent(text)).join(''));
      const expected = messages(...texts.map(withoutCarriageReturns));
      for (let cut = 0; cut <= bytes.length; cut += 1) expect(decode(bytes, [cut])).toEqual(expected);
      expect(decode(bytes, [...bytes.keys()])).toEqual(expected);
    }
  });

  it('reads CR, LF and CRLF as line ends, at every cut', () => {
    for (const end of ['\r', '\n', '\r\n']) {
      const bytes = bytesOf(['event: x', 'data: one', 'data:two', '', 'data: ü', '', ''].join(end));
      for (let first = 0; first <= bytes.length; first += 1)
        for (let second = first; second <= bytes.length; second += 1)
          expect(decode(bytes, [first, second])).toEqual([
            { name: 'x', data: 'one\ntwo' },
            { name: 'message', data: 'ü' },
          ]);
    }
  });

  it('skips a byte order mark at the start of the stream only', () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...bytesOf('data:a\n\ndata:\u{feff}b\n\n')]);
    for (let cut = 0; cut <= bytes.length; cut += 1)
      expect(decode(bytes, [cut])).toEqual(messages('a', '\u{feff}b'));
  });

  it('skips comments, unknown fields and events without data', () => {
    expect(decode(bytesOf(': hello\nid: 1\nretry: 5\nevent: none\n\ndata\n\nfoo\ndata:x\n\n'))).toEqual(
      messages('', 'x'),
    );
  });

  it('tells whether the stream was cut inside an event', () => {
    const decoder = new SseDecoder();
    expect(decoder.push(bytesOf('data:a\n\n'))).toEqual(messages('a'));
    expect(decoder.hasUnfinishedEvent).toBe(false);
    decoder.push(bytesOf('data:b\n'));
    expect(decoder.hasUnfinishedEvent).toBe(true);
  });

  it.each([
    ['a line without an end', 'data:' + 'x'.repeat(200)],
    ['many data lines', 'data:0123456789\n'.repeat(20)],
  ])('refuses an event over the limit: %s', (_, text) => {
    const decoder = new SseDecoder(100);
    expect(() => bytesOf(text).forEach((byte) => decoder.push(Uint8Array.of(byte)))).toThrow(
      SseEventTooLargeError,
    );
  });

  it('does not count events that are complete towards the limit', () => {
    const decoder = new SseDecoder(20);
    expect(decoder.push(bytesOf('data:0123456789\n\n'.repeat(50)))).toHaveLength(50);
  });
});

describe('SseDecoder on random streams', () => {
  /** The rules of the WHATWG standard, applied to the whole text at once. */
  function eventsOfWhole(text: string): SseEvent[] {
    const lines = text.replace(/^\u{feff}/u, '').split(/\r\n|\r|\n/u);
    const events: SseEvent[] = [];
    let [name, data]: [string, string[]] = ['', []];
    // Text behind the last line end is an unfinished line.
    for (const line of lines.slice(0, -1)) {
      const [, field = line, value = ''] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
      if (line === '' && data.length > 0) events.push({ name: name || 'message', data: data.join('\n') });
      if (line === '') [name, data] = ['', []];
      else if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
    }
    return events;
  }

  const LINES = [
    'data',
    'data:',
    'data: ',
    'data:  x',
    'data:a:b',
    'event:',
    'event: e',
    ':c',
    'id: 1',
    'dat',
    '',
  ];
  const ENDS = ['\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', ''];
  const TAILS = ['', '', ' ', 'é', '😀', '\u{feff}', '\u{fffd}'];
  const randomStream = (next: (below: number) => number): string =>
    Array.from({ length: 1 + next(14) }, () =>
      [LINES, TAILS, ENDS].map((words) => words[next(words.length)] ?? '').join(''),
    ).join('');

  /** Up to `most` places, in order; equal ones make empty chunks. */
  const randomCuts = (next: (below: number) => number, end: number, most: number): number[] =>
    Array.from({ length: next(most + 1) }, () => next(end + 1)).sort((a, b) => a - b);

  it('gives the events of the WHATWG algorithm, however a stream is cut into chunks', () => {
    const next = numbers(11);
    let eventCount = 0;
    for (let round = 0; round < 1500; round += 1) {
      const text = randomStream(next);
      const bytes = bytesOf(text);
      const expected = eventsOfWhole(text);
      eventCount += expected.length;
      const cuttings = [
        [],
        [...bytes.keys()],
        ...[2, 5, 20].map((most) => randomCuts(next, bytes.length, most)),
      ];
      for (const cuts of cuttings)
        expect(decode(bytes, cuts), JSON.stringify({ text, cuts })).toEqual(expected);
    }
    expect(eventCount).toBeGreaterThan(2000);
  });

  it('refuses the same streams as too large, however they are cut into chunks', () => {
    const next = numbers(12);
    const outcome = (bytes: Uint8Array, cuts: readonly number[]): string => {
      const decoder = new SseDecoder(12);
      const edges = [0, ...cuts, bytes.length];
      try {
        edges.slice(1).forEach((end, index) => decoder.push(bytes.subarray(edges[index] ?? 0, end)));
        return 'taken';
      } catch (error) {
        expect(error).toBeInstanceOf(SseEventTooLargeError);
        return 'refused';
      }
    };
    const seen = { taken: 0, refused: 0 };
    for (let round = 0; round < 1500; round += 1) {
      const bytes = bytesOf(randomStream(next));
      const whole = outcome(bytes, []);
      seen[whole === 'taken' ? 'taken' : 'refused'] += 1;
      expect(outcome(bytes, [...bytes.keys()])).toBe(whole);
      expect(outcome(bytes, randomCuts(next, bytes.length, 6))).toBe(whole);
    }
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(100);
  });

  it('replaces bytes that are no UTF-8 and reads the events after them', () => {
    const bytes = new Uint8Array([...bytesOf('data:'), 0xff, 0xe2, 0x82, ...bytesOf('\n\ndata:x\n\n')]);
    for (let cut = 0; cut <= bytes.length; cut += 1)
      expect(decode(bytes, [cut])).toEqual(messages('\u{fffd}\u{fffd}', 'x'));
  });
});

describe('a client that only strips the text `data:`', () => {
  /** LangChain's wrapper has no SSE parser; it removes `data:` from the lines and prints the rest. */
  const stripped = (stream: string): string => stream.replaceAll('data:', '').replaceAll('\n\n', '');

  it('shows the words of a stream, at worst with a space too many', () => {
    expect(stripped(['A', 'cat', '.'].map((text) => encodeSseEvent(text)).join(''))).toBe('Acat.');
    expect(stripped(['A', ' cat'].map((text) => encodeSseEvent(text)).join(''))).toBe('A  cat');
  });
});
