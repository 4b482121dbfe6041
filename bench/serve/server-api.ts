// The streaming APIs that a server can be asked through, so that the same questions go to servers of several kinds. Answers have as many
// tokens as asked for where the API can say so; where it cannot, rates count the tokens that came.
import { json } from '../macro/streams.js';
import { OptionError } from '../options.js';
import type { DrawnImage } from './drawn-image.js';

export interface Question {
  readonly image: DrawnImage | null;
  readonly text: string;
  readonly newTokens: number;
  /** Text in front of the image, which makes its prompt begin unlike any other; absent: none. */
  readonly before?: string;
  /** Tokens that the image may take; absent: all. Servers without such a field take all. */
  readonly imageTokens?: number;
}

export interface ServerApi {
  readonly name: string;
  request(baseUrl: string, question: Question): { readonly url: string; readonly init: RequestInit };
  /** Whether the data of an event is text of the answer. A token makes one at most. */
  isText(data: string): boolean;
  /** Why an event says that the answer failed; null where it does not. */
  failure(eventName: string, data: string): string | null;
}

const takeoff: ServerApi = {
  name: 'takeoff',
  request(baseUrl, { image, text, newTokens, before, imageTokens }) {
    if (before !== undefined)
      throw new OptionError('This API has the image in front of all text: use --own-api openai.');
    const tokens = { max_new_tokens: newTokens, min_new_tokens: newTokens, image_token_budget: imageTokens };
    const body = { text, use_chat_template: true, ...tokens };
    if (image === null) return { url: `${baseUrl}/generate_stream`, init: json(body) };
    const form = new FormData();
    form.set('json_data', JSON.stringify(body));
    form.set('image_data', new Blob([image.bytes], { type: image.mediaType }));
    return { url: `${baseUrl}/image_generate_stream`, init: { method: 'POST', body: form } };
  },
  isText: (data) => data !== '',
  failure: (eventName, data) => (eventName === 'error' ? data : null),
};

/** `more`: what a server needs to be told beside the fields of OpenAI's API so that answers have their full length. */
const chatCompletions = (name: string, more: (newTokens: number) => object): ServerApi => ({
  name,
  request(baseUrl, { image, text, newTokens, before = '', imageTokens }) {
    const parts =
      image === null
        ? text
        : [
            ...(before === '' ? [] : [{ type: 'text', text: before }]),
            { type: 'image_url', image_url: { url: dataUrl(image) } },
            { type: 'text', text },
          ];
    const messages = [{ role: 'user', content: parts }];
    const body = {
      model: 'primary',
      messages,
      max_tokens: newTokens,
      temperature: 0,
      stream: true,
      ...(imageTokens === undefined ? {} : { image_token_budget: imageTokens }),
      ...more(newTokens),
    };
    return { url: `${baseUrl}/v1/chat/completions`, init: json(body) };
  },
  isText: (data) => {
    if (!data.startsWith('{')) return false;
    const chunk = JSON.parse(data) as { choices?: { delta?: { content?: string | null } }[] };
    return (chunk.choices?.[0]?.delta?.content ?? '') !== '';
  },
  failure: (_, data) => (data.startsWith('{"error"') ? data : null),
});

/** By the name that `--api` takes. */
export const SERVER_APIS = {
  takeoff,
  openai: chatCompletions('openai', (newTokens) => ({ min_tokens: newTokens })),
  'llama.cpp': chatCompletions('llama.cpp', () => ({ ignore_eos: true, cache_prompt: true })),
} satisfies Record<string, ServerApi>;

export const API_NAMES = Object.keys(SERVER_APIS) as (keyof typeof SERVER_APIS)[];

const dataUrl = ({ bytes, mediaType }: DrawnImage): string =>
  `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;
