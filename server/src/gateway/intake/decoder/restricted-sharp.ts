// What every child that decodes asks of sharp: few readers, no threads and no cache, and one line about broken bytes.
import sharp from 'sharp';

/**
 * Must run once before the first image. One job at a time per process, so one thread and nothing to cache.
 * @param loaders the only readers of libvips that stay switched on
 */
export function restrictSharp(loaders: string[]): void {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: loaders });
}

/** The text of libvips may hold many lines; it names no path, because readers of memory alone are switched on. */
export const whyBroken = (cause: unknown): string =>
  cause instanceof Error ? cause.message.replaceAll(/\s+/gu, ' ').slice(0, 200) : 'unknown';
