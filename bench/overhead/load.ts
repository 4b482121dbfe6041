// Kept connections that ask the same again and again, each as soon as it has its answer. Bytes are looked at no more than to find
// where an answer ends, because a client that parses them takes from the server what is to be measured.
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: string;
}

export interface LoadResult {
  readonly answersPerSecond: number;
  /** Of each answer, in milliseconds, ascending. */
  readonly answerMs: readonly number[];
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** @throws Error for an answer that is not 200, and for a connection that ends */
export async function runLoad(url: string, { connections, seconds, path, body }: Load): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const request = [
    `POST ${path} HTTP/1.1`,
    `host: ${hostname}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `\r\n${body}`,
  ].join('\r\n');
  const answerMs: number[] = [];
  const sockets = Array.from({ length: connections }, () => connect(Number(port), hostname));
  const startMs = performance.now();
  const failed = Promise.all(sockets.map((socket) => askAgain(socket, request, answerMs)));
  try {
    await Promise.race([delay(seconds * 1000), failed]);
    const answersPerSecond = (answerMs.length * 1000) / (performance.now() - startMs);
    return { answersPerSecond, answerMs: [...answerMs].sort((a, b) => a - b) };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Until somebody destroys the socket. Rejects when it ends by itself. */
async function askAgain(socket: Socket, request: string, answerMs: number[]): Promise<never> {
  socket.setNoDelay(true).setEncoding('latin1');
  return new Promise((_, reject) => {
    let received = '';
    let askedMs = 0;
    const ask = (): void => {
      askedMs = performance.now();
      socket.write(request);
    };
    socket.on('connect', ask);
    socket.on('data', (text: string) => {
      received += text;
      if (!isWhole(received)) return;
      if (!received.startsWith('HTTP/1.1 200 ')) {
        reject(new Error(`The server answered:\n${received}`));
        return;
      }
      answerMs.push(performance.now() - askedMs);
      received = '';
      ask();
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('The server closed a connection.')));
  });
}

function isWhole(received: string): boolean {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd === -1) return false;
  const length = /\r\ncontent-length: (\d+)/iu.exec(received.slice(0, headEnd))?.[1];
  if (length === undefined) return received.endsWith(LAST_CHUNK);
  return received.length >= headEnd + HEAD_END.length + Number(length);
}
