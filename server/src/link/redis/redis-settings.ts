// How an operator says where Redis is. Without anything that speaks to it, so that whoever has none loads nothing.

export interface RedisSettings {
  /** redis:// or rediss://. */
  readonly url: string;
  /** PEM files; null where there are none. */
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}
