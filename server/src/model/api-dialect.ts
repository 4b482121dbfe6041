// Which server speaks OpenAI's API behind a reader with `device: api`. What each understands beyond that API differs, and most ignore
// silently what they do not know.

export const API_DIALECTS = ['vllm', 'sglang', 'tgi', 'takeoff', 'openai'] as const;
/** `openai`: what the API itself has, and nothing beyond it. */
export type ApiDialect = (typeof API_DIALECTS)[number];

/** `auto` asks the cluster. */
export const API_DIALECT_CHOICES = ['auto', ...API_DIALECTS] as const;
export type ApiDialectChoice = (typeof API_DIALECT_CHOICES)[number];
