// One chunk of a streamed answer, chat or completion, as what it adds. A cluster is as foreign as a client: what it sends is parsed, and
// what cannot be understood is an error of the answer, not of the reader.
import { z } from 'zod';
import type { RankedToken, TokenLogprob, Usage } from '../../link/requests/messages.js';
import { wordsIn } from './cluster-words.js';

export type ChunkUsage = Pick<Usage, 'promptTokens' | 'imageTokens' | 'cachedTokens' | 'generatedTokens'>;

export type Chunk =
  | {
      readonly kind: 'piece';
      readonly text: string;
      readonly logprobs: readonly TokenLogprob[];
      /** In the server's words. */
      readonly finishReason: string | null;
      readonly usage: ChunkUsage | null;
    }
  | { readonly kind: 'failed'; readonly words: string }
  | { readonly kind: 'nonsense' };

const count = z.int().min(0);
const MAX_ALTERNATIVES = 100;
const MAX_TOKENS = 65_536;

const ranked = z.object({
  token: z.string(),
  logprob: z.number().nullable(),
  bytes: z.array(z.int().min(0).max(255)).nullish(),
});
const chatLogprobs = z.object({
  content: z
    .array(ranked.extend({ top_logprobs: z.array(ranked).max(MAX_ALTERNATIVES).nullish() }))
    .max(MAX_TOKENS)
    .nullish(),
});
const completionLogprobs = z.object({
  tokens: z.array(z.string()).max(MAX_TOKENS),
  token_logprobs: z.array(z.number().nullable()).max(MAX_TOKENS),
  top_logprobs: z.array(z.record(z.string(), z.number().nullable()).nullable()).nullish(),
});

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).nullish(),
        text: z.string().nullish(),
        finish_reason: z.string().nullish(),
        logprobs: z.union([completionLogprobs, chatLogprobs]).nullish(),
      }),
    )
    .max(16),
  usage: z
    .object({
      prompt_tokens: count.nullish(),
      completion_tokens: count.nullish(),
      prompt_tokens_details: z
        .object({ cached_tokens: count.nullish(), image_tokens: count.nullish() })
        .nullish(),
    })
    .nullish(),
});
type ParsedChunk = z.infer<typeof chunkSchema>;

export function readChunk(json: unknown): Chunk {
  // First: some servers put choices beside it.
  const words = wordsIn(json);
  if (words !== undefined) return { kind: 'failed', words };
  const parsed = chunkSchema.safeParse(json);
  if (!parsed.success) return { kind: 'nonsense' };
  const [choice] = parsed.data.choices;
  return {
    kind: 'piece',
    text: choice?.delta?.content ?? choice?.text ?? '',
    logprobs: logprobsOf(choice?.logprobs),
    finishReason: choice?.finish_reason ?? null,
    usage: usageOf(parsed.data.usage),
  };
}

/** Null where a server puts in what it has not counted. */
function usageOf(usage: ParsedChunk['usage']): ChunkUsage | null {
  if (usage?.prompt_tokens == null || usage.completion_tokens == null) return null;
  return {
    promptTokens: usage.prompt_tokens,
    generatedTokens: usage.completion_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    imageTokens: usage.prompt_tokens_details?.image_tokens ?? 0,
  };
}

type ParsedLogprobs = z.infer<typeof completionLogprobs> | z.infer<typeof chatLogprobs>;

function logprobsOf(logprobs: ParsedLogprobs | null | undefined): readonly TokenLogprob[] {
  if (logprobs == null) return [];
  if ('tokens' in logprobs) {
    const { tokens, token_logprobs: own, top_logprobs: top } = logprobs;
    return tokens.map((token, index) => ({
      ...rankedToken({ token, logprob: own[index] ?? null }),
      top: Object.entries(top?.[index] ?? {})
        .map(([other, logprob]) => rankedToken({ token: other, logprob }))
        .sort((a, b) => b.logprob - a.logprob),
    }));
  }
  return (logprobs.content ?? []).map((token) => ({
    ...rankedToken(token),
    top: (token.top_logprobs ?? []).map(rankedToken),
  }));
}

/** What no number can hold: servers write it for tokens that cannot be drawn. */
const LEAST_LOGPROB = -9999;

const rankedToken = ({ token, logprob, bytes }: z.infer<typeof ranked>): RankedToken => ({
  bytes: bytes == null ? new TextEncoder().encode(token) : Uint8Array.from(bytes),
  logprob: Math.max(LEAST_LOGPROB, logprob ?? LEAST_LOGPROB),
});
