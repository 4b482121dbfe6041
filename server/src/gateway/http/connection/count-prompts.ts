// Counts the prompts of a job for the client that asked, as long as it is there.
import type { FastifyReply } from 'fastify';
import type { CountedJob, CountedPrompts, Counting } from '../../answer/counting.js';
import { joinFlags } from '../../answer/stop-flag.js';
import { clientGoneFlag } from './client-gone.js';

/**
 * @param write what the client is told of the counts
 * @throws what Counting throws, unless the client is gone
 */
export async function answerCount<Told>(
  counting: Counting,
  job: CountedJob,
  reply: FastifyReply,
  write: (counted: CountedPrompts) => Told,
): Promise<Told | FastifyReply> {
  const clientGone = clientGoneFlag(reply.raw);
  try {
    return write(await counting.count(job, joinFlags(clientGone).signal));
  } catch (error) {
    // What a departed client's request ends with is nobody's failure.
    if (!clientGone.isRaised) throw error;
    return reply.hijack();
  }
}
