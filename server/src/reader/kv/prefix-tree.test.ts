import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { addLeaf, anyEnd, createRoot, descend, firstRow, shorten } from './prefix-tree.js';

describe('the prefix tree', () => {
  it('refuses as a defect a second child for the same row', () => {
    const root = createRoot<string>();
    addLeaf(root, [1, 2]);
    expect(() => addLeaf(root, [1, 3])).toThrow(Defect);
  });

  it('refuses as a defect to shorten the root, a node with children, or one by more than it has', () => {
    const root = createRoot<string>();
    const upper = addLeaf(root, [1, 2]);
    const leaf = addLeaf(upper, [3, 4]);
    for (const [node, count] of [
      [root, 0],
      [upper, 1],
      [leaf, 3],
    ] as const)
      expect(() => shorten(node, count)).toThrow(Defect);
    shorten(leaf, 2);
    expect(upper.children.size).toBe(0);
  });

  it('splits a node where a prompt parts from it or ends in it, and keeps the lower part the same node', () => {
    const root = createRoot<string>();
    const leaf = addLeaf(root, [1, 2, 3, 4]);
    const upper = descend(root, [1, 2, 3, 9], 0, 2);
    expect([upper?.rows, leaf.rows, leaf.parent]).toEqual([[1, 2], [3, 4], upper]);
    expect(descend(root, [1, 2, 3, 9], 2, 2)).toBeUndefined();
  });

  it('has no first row at the root, and no end where nobody holds it', () => {
    const root = createRoot<string>();
    expect(() => firstRow(root)).toThrow(Defect);
    expect(() => anyEnd(root)).toThrow(Defect);
  });
});
