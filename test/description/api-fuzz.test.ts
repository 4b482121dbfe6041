// Random requests to every operation of every port, made from the document that the port answers: nothing is a defect of the server
// (500), and every answer is one that the document describes. What the document allows is not refused for its shape, and what it does
// not allow is refused.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';
import { DescribedApi, type DescribedOperation } from './described-api.js';
import { RandomRequests, type RandomRequest } from './random-requests.js';
import { sendRaw, type RawAnswer } from './raw-request.js';

const ROUNDS = isLongForm('test:fuzz') ? 2_000 : 20;
const SEED = 20_261_128;

const PORTS = ['url', 'managementUrl', 'openaiUrl'] as const;

const IMAGES = [
  readFileSync(path.join(repositoryRoot(), 'models/demo/images/one-shape.png')),
  Buffer.from('no image'),
  Buffer.alloc(0),
];

let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({ env: { TAKEOFF_ECHO: 'true' }, args: ['--reader-id', 'echo'] });
});
afterAll(() => server.stop());

describe.each(PORTS)('the server at its %s', (port) => {
  it('answers random requests as its document describes', { timeout: ROUNDS * 10_000 }, async () => {
    const api = await DescribedApi.read(server[port]);
    const requests = new RandomRequests(new Random(SEED), api, IMAGES);
    /** By what is wrong where, one request for each. */
    const found = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      // One of each at a time: some wait for others, and none for long.
      const asked = api.operations
        .map((operation) => ({ operation, request: requests.next(operation) }))
        .filter(({ request }) => !endsEcho(request));
      await Promise.all(
        asked.map(async ({ operation, request }) => {
          const answer = await sendRaw(api.url, request);
          const faults = faultsOf(api, operation, request, answer);
          for (const fault of faults)
            found.set(`${operation.operationId}: ${fault}`, report(request, answer));
          if (isAdded(operation, answer)) await removeReader(answer);
        }),
      );
      if (port === 'managementUrl') await restoreReader();
    }
    expect(Object.fromEntries(found)).toEqual({});
  });
});

/** The reader that answers all others has to stay. */
const endsEcho = ({ method, path: address }: RandomRequest): boolean =>
  method === 'DELETE' && address.startsWith('/reader/echo');

const isAdded = ({ method }: DescribedOperation, { status }: RawAnswer): boolean =>
  method === 'POST' && status === 201;

async function removeReader({ body }: RawAnswer): Promise<void> {
  const { reader_id: id } = JSON.parse(body) as { reader_id: string };
  const address = `${server.managementUrl}/reader/${encodeURIComponent(id)}?force=true`;
  expect([id, (await fetch(address, { method: 'DELETE' })).status]).toEqual([id, 204]);
}

/** What a random change made of the reader that answers all others. */
async function restoreReader(): Promise<void> {
  const { status } = await fetch(`${server.managementUrl}/reader/echo`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ consumer_group: 'primary', max_batch_size: 8 }),
  });
  expect(status).toBe(200);
}

/** Codes that say that a body has not the shape which the document tells. */
const SHAPE_CODES = ['request.wrong_shape', 'request.field_invalid', 'request.unsupported_media_type'];

/** What no schema can tell, and the document says in words. */
const RULES_IN_WORDS = [
  /must end with one of the role user/u,
  /allowed is a data URL/u,
  /allowed is base64/u,
  /allowed is a JSON Schema as an object, or the JSON of one/u,
  /allowed is true where top_logprobs is set/u,
  /allowed is the name of a function in tools/u,
  /allowed is the name of one of the tools/u,
  /allowed is a list with the function that tool_choice wants called/u,
];

function faultsOf(
  api: DescribedApi,
  operation: DescribedOperation,
  { method, isBodyValid }: RandomRequest,
  answer: RawAnswer,
): readonly string[] {
  if (answer.status === 500) return ['a defect of the server'];
  const described =
    method === operation.method
      ? operation
      : api.operations.find((other) => other.method === method && other.path === operation.path);
  const code = /"code":"([\w.]+)"/u.exec(answer.body)?.[1] ?? '';
  if (described === undefined)
    return ['request.not_found', 'request.malformed'].includes(code)
      ? []
      : ['a method that is not described'];
  const isRefused = answer.status >= 400;
  const isRefusedForShape =
    SHAPE_CODES.includes(code) && !RULES_IN_WORDS.some((rule) => rule.test(answer.body));
  return [
    ...api.faultsOf(described, answer),
    ...(isBodyValid === false && !isRefused ? ['the document does not allow the body'] : []),
    ...(isBodyValid === true && isRefusedForShape ? ['the document allows the body'] : []),
  ];
}

const MAX_SHOWN_CHARACTERS = 2_000;

const report = ({ method, path: address, headers, body }: RandomRequest, answer: RawAnswer) =>
  [
    `${method} ${address} ${JSON.stringify(headers)}`,
    body.toString('latin1').slice(0, MAX_SHOWN_CHARACTERS),
    `was answered ${answer.status} ${answer.headers['content-type'] ?? ''}`,
    answer.body.slice(0, MAX_SHOWN_CHARACTERS),
  ].join('\n');
