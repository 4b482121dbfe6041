// Sends the bytes of a request as they are and reads the answer, without an HTTP library that could change either.
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body without its chunked encoding. */
  readonly body: string;
}

/** Writes each piece by itself, as the imitated client does. */
export async function sendRaw(port: number, pieces: readonly (string | Buffer)[]): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  for (const piece of pieces) socket.write(piece);
  let received = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      const answer = parseAnswer(received);
      if (answer !== undefined) return answer;
    }
  } finally {
    socket.destroy();
  }
  throw new TypeError(`The connection ended after ${JSON.stringify(received.toString())}.`);
}

/** Undefined while part of the answer is missing. */
function parseAnswer(received: Buffer): RawAnswer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString().split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const rest = received.subarray(headEnd + 4);
  const body = headers.get('transfer-encoding') === 'chunked' ? joinChunks(rest) : whole(rest, headers);
  return body === undefined ? undefined : { status: Number(statusLine.split(' ')[1]), headers, body };
}

function whole(bytes: Buffer, headers: ReadonlyMap<string, string>): string | undefined {
  const length = Number(headers.get('content-length'));
  return bytes.length < length ? undefined : bytes.subarray(0, length).toString();
}

function joinChunks(bytes: Buffer): string | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const length = Number.parseInt(bytes.subarray(at, lineEnd).toString(), 16);
    const end = lineEnd + 2 + length;
    if (bytes.length < end + 2) return undefined;
    if (length === 0) return Buffer.concat(parts).toString();
    parts.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
