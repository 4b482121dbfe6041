// For tests only: a server on the loopback that speaks as much of OpenAI's API as a test tells it to.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { Defect } from '../../errors.js';

const recordSchema = z.record(z.string(), z.unknown());

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed; undefined without a body. */
  readonly body: Record<string, unknown> | undefined;
  /** Resolves when the connection of the request was closed before its answer was complete. */
  readonly left: Promise<void>;
}

export type Script = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

export class ScriptedCluster {
  readonly seen: SeenRequest[] = [];
  /** By method and path; the first of several is used up, the last one stays. */
  readonly #scripts = new Map<string, Script[]>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  connectionCount = 0;

  static async start(): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster();
    cluster.#server.on('connection', () => {
      cluster.connectionCount += 1;
    });
    cluster.#server.listen(0, '127.0.0.1');
    await once(cluster.#server, 'listening');
    cluster.on('GET /v1/models', json(200, { data: [{ id: 'm', owned_by: 'vllm', max_model_len: 4096 }] }));
    return cluster;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Defect('the cluster does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  on(what: string, ...scripts: Script[]): void {
    this.#scripts.set(what, scripts);
  }

  chat(...scripts: Script[]): void {
    this.on('POST /v1/chat/completions', ...scripts);
  }

  /** Of answers, without questions about models. */
  get asked(): SeenRequest[] {
    return this.seen.filter(({ method }) => method === 'POST');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    const left = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
    let text = '';
    request.setEncoding('utf8');
    for await (const chunk of request) text += String(chunk);
    const body = text === '' ? undefined : recordSchema.parse(JSON.parse(text));
    const seen = { method, path, headers, body, left };
    this.seen.push(seen);
    const scripts = this.#scripts.get(`${method} ${path}`) ?? [];
    const script = scripts.length > 1 ? scripts.shift() : scripts[0];
    if (script === undefined) await json(404, { error: { message: 'no such path' } })(response, seen);
    else await script(response, seen);
  }
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Script =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

export const open = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
};

export const chunk = (delta: string, finish: string | null = null, more: object = {}): object => ({
  choices: [{ index: 0, delta: { content: delta }, finish_reason: finish, ...more }],
});

export const usage = (prompt: number, completion: number, cached = 0): object => ({
  choices: [],
  usage: {
    prompt_tokens: prompt,
    completion_tokens: completion,
    prompt_tokens_details: { cached_tokens: cached },
  },
});

export const say = (response: ServerResponse, ...chunks: readonly object[]): void => {
  for (const one of chunks) response.write(`data: ${JSON.stringify(one)}\n\n`);
};

/** A whole stream. */
export const stream =
  (...chunks: readonly object[]): Script =>
  (response) => {
    open(response);
    say(response, ...chunks);
    response.end('data: [DONE]\n\n');
  };
