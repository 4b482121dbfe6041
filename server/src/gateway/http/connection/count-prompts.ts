// Counts the prompts of a job for the client that asked, as long as it is there.
import type { FastifyReply } from 'fastify';
import type { CountedJob, CountedPrompts, Counting } from '../../answer/counting.js';
import { clientGoneSignal } from './client-gone.js';

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
  const clientGone = clientGoneSignal(reply.raw);
  try {
    return write(await counting.count(job, clientGone));
  } catch (error) {
    // What a departed client's request ends with is nobody's failure.
    if (!clientGone.aborted) throw error;
    return reply.hijack();
  }
}
