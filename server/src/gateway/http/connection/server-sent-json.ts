// Server-sent events as OpenAI writes them: `data: ` with a space, because many clients look for exactly that, and JSON on one line.

/** @param name for parsers that tell events apart by it; without one they call the event `message` */
export const encodeJsonEvent = (data: unknown, name?: string): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

/** The last event of a stream of chunks. */
export const DONE_EVENT = 'data: [DONE]\n\n';
