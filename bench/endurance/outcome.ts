// How a request ended, as its client saw it. Exactly one of these is true of each.
import { isErrorCode, SseDecoder } from 'takeoff-wire';

export const OUTCOMES = ['answered', 'refused', 'failed', 'cancelled', 'lost'] as const;

/**
 * - answered: whole, with its metadata or its last event;
 * - refused: a status of 400 to 499 with a code of the table;
 * - failed: an error of the table that is not the client's fault, as a status or as the last event of a stream;
 * - cancelled: by its client, before it had ended;
 * - lost: anything else, such as a stream without an end, a broken connection or an error of no table.
 */
export type Outcome = (typeof OUTCOMES)[number];

export interface Ended {
  readonly outcome: Outcome;
  /** Code of an error of the table; of one that was lost, what was seen. */
  readonly detail: string;
}

const ANSWERED: Ended = { outcome: 'answered', detail: '' };

/** Of an answer that is not 200. Bodies of errors are the native API's or OpenAI's, which both have the code here. */
export async function endedByStatus(response: Response): Promise<Ended> {
  const body = await response.text();
  const code = codeOf(body);
  if (code === null) return { outcome: 'lost', detail: `status ${response.status}: ${body.slice(0, 200)}` };
  return { outcome: response.status < 500 ? 'refused' : 'failed', detail: code };
}

/** Of an answer in one piece; `isWhole` sees its body. */
export async function endedWhole(response: Response, isWhole: (body: unknown) => boolean): Promise<Ended> {
  if (response.status !== 200) return endedByStatus(response);
  const body: unknown = await response.json();
  return isWhole(body)
    ? ANSWERED
    : { outcome: 'lost', detail: `answer ${JSON.stringify(body).slice(0, 200)}` };
}

/** Of a stream of events; `isLast` sees the data of the last one. */
export async function endedByStream(response: Response, isLast: (data: string) => boolean): Promise<Ended> {
  if (response.status !== 200 || response.body === null) return endedByStatus(response);
  const decoder = new SseDecoder();
  let last = '';
  for await (const chunk of response.body) {
    for (const { name, data } of decoder.push(chunk as Uint8Array)) {
      const code = name === 'error' || data.startsWith('{"error"') ? codeOf(data) : null;
      if (code !== null) return { outcome: 'failed', detail: code };
      last = data;
    }
  }
  return isLast(last)
    ? ANSWERED
    : { outcome: 'lost', detail: `a stream that ended with ${last.slice(0, 200)}` };
}

/** Null where a text is not the body of an error of the table. */
function codeOf(text: string): string | null {
  try {
    const { code } = (JSON.parse(text) as { error: { code: string } }).error;
    return isErrorCode(code) ? code : null;
  } catch {
    return null;
  }
}
