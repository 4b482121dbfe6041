import { describe, expect, it } from 'vitest';
import { parseModelId } from './model-id.js';

describe('parseModelId', () => {
  it.each([
    ['liuhaotian/llava-v1.6-mistral-7b', 'liuhaotian/llava-v1.6-mistral-7b', 'main'],
    ['a/b@v1.0', 'a/b', 'v1.0'],
    ['a/b@refs/pr/3', 'a/b', 'refs/pr/3'],
    ['_x/y_z', '_x/y_z', 'main'],
  ])('reads %s', (text, id, revision) => expect(parseModelId(text)).toEqual({ id, revision }));

  it.each([
    ['a path from the root', '/models/llava'],
    ['a path from here', './models/llava'],
    ['a path upwards', '../llava'],
    ['a name without an owner', 'llava'],
    ['three parts', 'a/b/c'],
    ['an empty name', 'a/'],
    ['an empty revision', 'a/b@'],
    ['two revisions', 'a/b@c@d'],
    ['a name with two dots', 'a/b..c'],
    ['a name with two dashes, which separate owner and name in the cache', 'a--b/c'],
    ['a revision that leads upwards', 'a/b@../../c'],
    ['a revision with an empty part', 'a/b@c//d'],
    ['a revision that ends with a slash', 'a/b@c/'],
    ['a query', 'a/b?x=1'],
    ['a space', 'a/b c'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => expect(parseModelId(text)).toBeUndefined());
});
