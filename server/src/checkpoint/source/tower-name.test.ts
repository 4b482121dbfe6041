import { describe, expect, it } from 'vitest';
import { parseTowerName } from './tower-name.js';

const LARGE = 'openai/clip-vit-large-patch14-336';

describe('parseTowerName', () => {
  it.each([
    ['a name of the hub', LARGE, LARGE],
    ['with a slash at its end', `${LARGE}/`, LARGE],
    ['with a branch', 'laion/CLIP-ViT-H-14@main', 'laion/CLIP-ViT-H-14@main'],
    ['without its owner', 'clip-vit-large-patch14-336', LARGE],
    ['below a folder', 'checkpoints/laion/CLIP-ViT-H-14', 'laion/CLIP-ViT-H-14'],
    ['a relative folder', './clip-vit-large-patch14', 'openai/clip-vit-large-patch14'],
    ['beside the checkpoint', '../clip-vit-large-patch14-336', LARGE],
    ['an absolute path', '/data/models/clip-vit-large-patch14-336/', LARGE],
    [
      'an absolute path with the owner',
      '/data/laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
      'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
    ],
    ['a path of Windows', 'D:\\models\\openai\\clip-vit-large-patch14-336', LARGE],
    ['a share of Windows', '\\\\server\\share\\clip-vit-base-patch32', 'openai/clip-vit-base-patch32'],
    ['a home folder', '~/models/clip-vit-large-patch14-336', LARGE],
    ['an address', `https://huggingface.co/${LARGE}`, LARGE],
    [
      'the hub’s cache',
      `/home/x/.cache/huggingface/hub/models--openai--clip-vit-large-patch14-336/snapshots/${'c0'.repeat(20)}`,
      LARGE,
    ],
    [
      'the hub’s cache on Windows',
      'C:\\Users\\x\\hub\\models--Lin-Chen--ShareGPT4V-13B_Pretrained\\snapshots\\1',
      'Lin-Chen/ShareGPT4V-13B_Pretrained',
    ],
    ['an older hub’s cache', 'models--laion--CLIP-ViT-H-14', 'laion/CLIP-ViT-H-14'],
  ])('finds the repository in %s', (_, name, id) => {
    expect(parseTowerName(name).id).toBe(id);
  });

  it.each(['clip', '/home/someone/tower', '/a/b/c/d', 'C:\\x\\y', '../clip', '../a/b', ''])(
    'finds none in %j',
    (name) => {
      expect(parseTowerName(name).id).toBeNull();
    },
  );

  it('tells paths inside the folder from those that leave it and from those of another machine', () => {
    const places = ['./clip-tower', 'towers/clip/', 'a/../b', '../clip', '/a/b', 'C:\\a', '~/a', '.', ''];
    expect(places.map((name) => parseTowerName(name).inside?.join('/') ?? null)).toEqual([
      'clip-tower',
      'towers/clip',
      null,
      null,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(places.filter((name) => parseTowerName(name).leaves)).toEqual(['a/../b', '../clip']);
  });
});
