// How likely the tokens of an answer were, in the words of OpenAI's chat completions, which others have taken over.
import { z } from 'zod';
import type { TokenLogprob } from '../../../link/requests/messages.js';

/** The text of a token; a token that ends inside a character has replacement characters. */
export const tokenText = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

export const logprobsContent = (logprobs: readonly TokenLogprob[]) =>
  logprobs.map((token) => ({ ...rankedToken(token), top_logprobs: token.top.map(rankedToken) }));

const rankedToken = ({ bytes, logprob }: Pick<TokenLogprob, 'bytes' | 'logprob'>) => ({
  token: tokenText(bytes),
  logprob,
  bytes: [...bytes],
});

const rankedTokenSchema = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });

/** As the description of the API tells it. */
export const tokenLogprobSchema = rankedTokenSchema
  .extend({ top_logprobs: z.array(rankedTokenSchema) })
  .meta({ id: 'TokenLogprob' });
