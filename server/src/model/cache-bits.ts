// How exactly keys and values are kept, in the words of the setting `quantize_cache_bits`.

export const CACHE_BITS = [16, 8, 4] as const;
export type CacheBits = (typeof CACHE_BITS)[number];
