import { describe, expect, it } from 'vitest';
import { RowNumbers } from './row-key.js';

describe('RowNumbers', () => {
  it('gives the rows of an image the same numbers each time', () => {
    const numbers = new RowNumbers(10);
    const rows = numbers.image('a', 3);
    numbers.image('b', 2);
    expect(numbers.image('a', 3)).toEqual(rows);
  });

  it('gives no number twice: not to two images, not to two rows of one, not to a token', () => {
    const numbers = new RowNumbers(10);
    const all = ['a', 'b', 'c'].flatMap((name) => numbers.image(name, 4));
    all.push(numbers.salted(7, 'x'), numbers.salted(7, 'y'), numbers.salted(8, 'x'), 7, 8);
    expect(new Set(all).size).toBe(all.length);
  });

  it('takes no salt for an image, however it is spelled', () => {
    const numbers = new RowNumbers(10);
    const [image] = numbers.image('7 x', 1);
    expect(numbers.salted(7, 'x')).not.toBe(image);
    expect(numbers.salted(7, '7 x')).not.toBe(numbers.salted(7, 'x'));
  });

  it('remembers only so many names, and numbers a forgotten image anew', () => {
    const numbers = new RowNumbers(2);
    const kept = numbers.image('a', 1);
    const [forgotten = 0] = numbers.image('b', 1);
    expect(numbers.image('a', 1)).toEqual(kept);
    const [newest = 0] = numbers.image('c', 1);
    expect(numbers.image('a', 1)).toEqual(kept);
    expect(newest).toBeGreaterThan(forgotten);
    expect(numbers.image('b', 1)[0]).toBeGreaterThan(newest);
  });

  it('remembers no more rows than fill the cache four times, and always the newest', () => {
    const numbers = new RowNumbers(10);
    const kept = ['a', 'b'].map((name) => numbers.image(name, 20));
    expect(['a', 'b'].map((name) => numbers.image(name, 20))).toEqual(kept);
    numbers.image('c', 1);
    expect(numbers.image('b', 20)).toEqual(kept[1]);
    expect(numbers.image('a', 20)).not.toEqual(kept[0]);
    const large = numbers.image('d', 50);
    expect(numbers.image('d', 50)).toEqual(large);
  });
});
