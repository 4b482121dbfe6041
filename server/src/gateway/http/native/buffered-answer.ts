// Collects all events of a request into the one JSON answer: a list exactly where the request had one, in its order.
import { withoutCarriageReturns, type GenerateResponse, type GenerationMetadata } from 'takeoff-wire';
import { Defect } from '../../../errors.js';
import type { RequestEvent } from '../../../link/requests/messages.js';
import { metadataOf } from './answer-text.js';
import type { ValidatedRequest } from './parse-generate-request.js';
import { errorOfEvent } from '../connection/public-error.js';

/**
 * Undefined when the client is gone and nobody reads an answer.
 * @throws the error of the first prompt that failed; the others are cancelled
 */
export async function bufferedAnswer(
  events: AsyncIterable<RequestEvent>,
  { job, isList, wantsMetadata }: ValidatedRequest,
  clientGone: AbortSignal,
): Promise<GenerateResponse | undefined> {
  const texts = job.prompts.map(() => '');
  const metadata: (GenerationMetadata | undefined)[] = job.prompts.map(() => undefined);
  for await (const event of events) {
    if (event.kind === 'error') throw errorOfEvent(event, isList);
    if (event.kind === 'token') texts[event.prompt] = (texts[event.prompt] ?? '') + event.text;
    else metadata[event.prompt] = metadataOf(event);
  }
  if (clientGone.aborted) return undefined;
  const ended = metadata.filter((facts) => facts !== undefined);
  const [text, facts] = [withoutCarriageReturns(texts[0] ?? ''), ended[0]];
  if (ended.length < texts.length || facts === undefined) {
    throw new Defect(`A request ended with ${ended.length} of ${texts.length} terminal events.`);
  }
  const answer = isList ? { text: texts.map(withoutCarriageReturns) } : { text };
  if (!wantsMetadata) return answer;
  return { ...answer, metadata: isList ? ended : facts };
}
