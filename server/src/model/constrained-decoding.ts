// What the setting constrained_decoding_backend of a reader may say: names of engines that Takeoff had, and none.
export const CONSTRAINED_DECODING = [
  'all',
  'lmfe',
  'lm-format-enforcer',
  'outlines',
  'llguidance',
  'none',
] as const;
export type ConstrainedDecoding = (typeof CONSTRAINED_DECODING)[number];
