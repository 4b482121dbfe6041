// The images of a request that was taken: their tiles from the shelf, or from where its gateway has put them.
import { keysOf } from '../../link/redis/keys.js';
import { MAX_TILE_BYTES } from '../../link/redis/messages.js';
import type { RedisCommands } from '../../link/redis/redis-connection.js';
import { bytesOrNullOf } from '../../link/redis/replies.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { TakenEntry } from './run.js';
import type { TileShelf } from './tile-shelf.js';

/**
 * Undefined where tiles are missing, or are not what they are said to be.
 * @throws RedisUnreachable, RedisRefusal
 */
export async function fetchImages(
  { group, request }: TakenEntry,
  shelf: TileShelf,
  connection: RedisCommands,
): Promise<ImagePayload[] | undefined> {
  const keys = keysOf(group);
  const images: ImagePayload[] = [];
  for (const { sha256, widthPx, heightPx, sidePx, tileBytes, tilesSha256, isBeside } of request.images) {
    let tiles = shelf.take(tilesSha256);
    if (tiles === undefined && isBeside) {
      const key = keys.tiles(request.gateway, tilesSha256);
      const given = bytesOrNullOf(await connection.send(['GET', key], { asBytes: true }));
      if (given !== null && given.byteLength <= MAX_TILE_BYTES && shelf.put(tilesSha256, given))
        tiles = given;
    }
    if (tiles?.byteLength !== tileBytes) return undefined;
    images.push({ sha256, widthPx, heightPx, sidePx, tiles });
  }
  return images;
}
