// What clients do to a server for a long time: honest requests of every kind, requests that they give up in the middle, uploads that
// break off, and requests that must be refused.
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../harness/random.js';
import { json } from '../macro/streams.js';
import { drawImage } from '../serve/drawn-image.js';
import { endedByStream, endedWhole, type Ended } from './outcome.js';

export interface Addresses {
  readonly url: string;
  readonly openaiUrl: string;
}

interface Client {
  readonly addresses: Addresses;
  readonly random: Random;
  readonly signal: AbortSignal;
}

type Ask = (client: Client) => Promise<Ended>;

const PROMPTS = ['What is it?', 'How many shapes are there?', 'Describe the image.', 'Is there a cat?'];
const LONGEST_LIST = 12;
const LONGEST_CANCEL_MS = 1_500;
/** After which a request that nobody cancelled is lost. */
const REQUEST_TIMEOUT_MS = 120_000;
/** One request in so many is cancelled, whatever it is. */
const CANCELLED_OF = 5;

const prompt = (random: Random): string => `USER: <image>\n${random.pick(PROMPTS)}\nASSISTANT:`;

const imageBytes = async (random: Random): Promise<Uint8Array<ArrayBuffer>> =>
  (await drawImage(random, { widthPx: 160, heightPx: 120 })).bytes;

function imageForm(image: Uint8Array<ArrayBuffer>, request: unknown): FormData {
  const form = new FormData();
  form.set('image_data', new Blob([image]), 'image.png');
  form.set('json_data', JSON.stringify(request));
  return form;
}

const hasMetadata = (data: string): boolean => data.includes('"metadata"');

async function buffered({ addresses, random, signal }: Client): Promise<Ended> {
  const form = imageForm(await imageBytes(random), { text: prompt(random) });
  const response = await fetch(`${addresses.url}/image_generate`, { method: 'POST', body: form, signal });
  return endedWhole(response, (body) => typeof (body as { text?: unknown }).text === 'string');
}

async function streamed({ addresses, random, signal }: Client): Promise<Ended> {
  const form = imageForm(await imageBytes(random), { text: prompt(random), return_metadata: true });
  const response = await fetch(`${addresses.url}/image_generate_stream`, {
    method: 'POST',
    body: form,
    signal,
  });
  return endedByStream(response, hasMetadata);
}

async function list({ addresses, random, signal }: Client): Promise<Ended> {
  const text = Array.from({ length: 1 + random.below(LONGEST_LIST) }, () => prompt(random));
  const form = imageForm(await imageBytes(random), { text });
  const response = await fetch(`${addresses.url}/image_generate`, { method: 'POST', body: form, signal });
  return endedWhole(response, (body) => (body as { text?: unknown[] }).text?.length === text.length);
}

async function text({ addresses, random, signal }: Client): Promise<Ended> {
  const body = { text: `USER: ${random.pick(PROMPTS)}\nASSISTANT:`, return_metadata: true };
  return endedByStream(
    await fetch(`${addresses.url}/generate_stream`, { ...json(body), signal }),
    hasMetadata,
  );
}

async function structured({ addresses, random, signal }: Client): Promise<Ended> {
  const json_schema = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
  const body = { text: prompt(random).replace('<image>\n', ''), json_schema, max_new_tokens: 24 };
  const response = await fetch(`${addresses.url}/generate`, { ...json(body), signal });
  return endedWhole(response, (answer) => typeof (answer as { text?: unknown }).text === 'string');
}

async function chat({ addresses, random, signal }: Client): Promise<Ended> {
  const url = `data:image/png;base64,${Buffer.from(await imageBytes(random)).toString('base64')}`;
  const content = [
    { type: 'text', text: random.pick(PROMPTS) },
    { type: 'image_url', image_url: { url } },
  ];
  const body = { model: 'primary', stream: true, messages: [{ role: 'user', content }] };
  const response = await fetch(`${addresses.openaiUrl}/v1/chat/completions`, { ...json(body), signal });
  return endedByStream(response, (data) => data === '[DONE]');
}

/** Promises more of an image than it sends, and goes. */
async function brokenUpload({ addresses, random }: Client): Promise<Ended> {
  const { hostname, port } = new URL(addresses.url);
  const head = [
    'POST /image_generate HTTP/1.1',
    `Host: ${hostname}`,
    'Content-Type: multipart/form-data; boundary=part',
    'Content-Length: 100000',
    '',
    '--part',
    'Content-Disposition: form-data; name="image_data"; filename="image"',
    '',
    'x'.repeat(random.below(90_000)),
  ].join('\r\n');
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(head, () => socket.destroy());
    });
    socket.on('error', () => undefined).on('close', resolve);
  });
  return { outcome: 'cancelled', detail: 'in the middle of its upload' };
}

/** Must be refused by a status of 400 to 499; anything but a refusal and an error of the reader is lost. */
async function bad({ addresses, random, signal }: Client): Promise<Ended> {
  const { url } = addresses;
  const notImage = new Uint8Array(2_000).fill(random.below(256));
  const image = await imageBytes(random);
  const [route, init] = random.pick<[string, RequestInit]>([
    ['/generate', { ...json(null), body: '{"text": ', signal }],
    ['/generate', { ...json({ text: 7 }), signal }],
    ['/generate', { ...json({ text: 'Hello', consumer_group: 'nobody' }), signal }],
    ['/generate', { ...json({ text: 'word '.repeat(20_000) }), signal }],
    ['/generate', { ...json({ text: 'Hello', json_schema: { type: 'nothing' } }), signal }],
    ['/image_generate', { method: 'POST', body: imageForm(notImage, { text: prompt(random) }), signal }],
    ['/image_generate', { method: 'POST', body: imageForm(image.slice(0, 60), { text: 'cut' }), signal }],
    ['/image_generate', { method: 'POST', body: imageForm(image, { max_new_tokens: 4 }), signal }],
  ]);
  return endedWhole(await fetch(url + route, init), () => false);
}

/** How often each is asked, of the sum of all. */
const KINDS: readonly (readonly [weight: number, name: string, ask: Ask])[] = [
  [4, 'buffered', buffered],
  [4, 'streamed', streamed],
  [2, 'list', list],
  [2, 'text', text],
  [1, 'structured', structured],
  [2, 'chat', chat],
  [1, 'broken upload', brokenUpload],
  [2, 'bad', bad],
];

const lottery = KINDS.flatMap(([weight, name, ask]) => Array.from({ length: weight }, () => ({ name, ask })));

export type Note = (kind: string, ended: Ended) => void;

export interface ClientOptions {
  readonly seed: number;
  readonly addresses: Addresses;
  readonly longestPauseMs: number;
  /** Looked at before each request, with the number of those before it. */
  readonly isOver: (asked: number) => boolean;
}

/** One client: asks, one request after the other, and tells how each ended. */
export async function runClient(
  { seed, addresses, longestPauseMs, isOver }: ClientOptions,
  note: Note,
): Promise<void> {
  const random = new Random(seed);
  for (let asked = 0; !isOver(asked); asked += 1) {
    const { name, ask } = random.pick(lottery);
    const limitMs = random.below(CANCELLED_OF) === 0 ? random.below(LONGEST_CANCEL_MS) : REQUEST_TIMEOUT_MS;
    const signal = AbortSignal.timeout(limitMs);
    note(name, await endOf(ask({ addresses, random, signal }), signal, limitMs));
    if (longestPauseMs > 0) await delay(random.below(longestPauseMs));
  }
}

async function endOf(asked: Promise<Ended>, signal: AbortSignal, limitMs: number): Promise<Ended> {
  try {
    return await asked;
  } catch (error) {
    if (!signal.aborted) return { outcome: 'lost', detail: String((error as Error).cause ?? error) };
    if (limitMs === REQUEST_TIMEOUT_MS) return { outcome: 'lost', detail: `no end within ${limitMs} ms` };
    return { outcome: 'cancelled', detail: '' };
  }
}
