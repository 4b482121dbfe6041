// Cases 1 and 11 of docs/security.md, and honest use: `<image:URL>` tags in prompts.
import { createServer as createHttpServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, jsonRequest } from '../process/requests.js';
import { answerOf, formBody, generate, rawForm, tag } from './asking.js';
import { photograph } from './files/valid.js';
import { PUBLIC, startFetchingGateway, startImageWeb, type ImageWeb } from './image-web.js';

const jpeg = photograph();
let web: ImageWeb;
beforeAll(async () => {
  web = await startImageWeb();
});
afterEach(() => web.forgetVisits());
afterAll(() => web.close());

describe('image tags with allow_remote_images off', () => {
  it('case 1: are refused on every endpoint with the name of the setting, and nothing is fetched', async () => {
    const text = `${tag(web.page('/image'))} hello`;
    const form = formBody([
      { name: 'image_data', content: jpeg },
      { name: 'json_data', content: JSON.stringify({ text }) },
    ]);
    for (const [route, request] of [
      ['/generate', jsonRequest({ text })],
      ['/generate_stream', jsonRequest({ text: ['a', text] })],
      ['/image_generate', rawForm(form)],
      ['/image_generate_stream', rawForm(form)],
    ] as const) {
      const answer = await answerOf(await fetch(web.off.url + route, request));
      expect(answer, route).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
      expect(answer.message).toContain('allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES=true)');
    }
    expect(web.off.lookups).toEqual([]);
    expect(web.visits).toEqual([]);
  });

  it('case 1: are refused with schemes that are never fetched too, and do not become text', async () => {
    for (const address of [
      'file:///etc/passwd',
      'data:image/png;base64,AAAA',
      'gopher://127.0.0.1:6379/_x',
    ]) {
      expect((await generate(web.off.url, { text: tag(address) })).code, address).toBe(
        'request.remote_images_disabled',
      );
    }
  });
});

describe('image tags with allow_remote_images on', () => {
  it('are fetched through a redirect, whatever the content type of the image', async () => {
    const answer = await web.ask(web.page(`/to?${web.page('/image')}`));
    // The echo reader answers with the text of its prompt, which has no tag any more.
    expect(answer).toMatchObject({ status: 200, text: '\n what is this?' });
    expect(web.visits).toHaveLength(2);
  });

  it('are taken in streams, several in a prompt, and in lists of prompts', async () => {
    const text = [
      'no image',
      `a ${tag(web.page('/1'))} b ${tag(web.page('/2'))} c`,
      `${tag(web.page('/1'))}\nd`,
    ];
    const streamed = text.map(() => '');
    for await (const { data } of eventsOf(
      await fetch(`${web.on.url}/generate_stream`, jsonRequest({ text })),
    )) {
      const event = JSON.parse(data) as { text: string; batch_id: number };
      streamed[event.batch_id] = `${streamed[event.batch_id] ?? ''}${event.text}`;
    }
    expect(streamed).toEqual(['no image', 'a  b  c', '\nd']);
    // A URL that two prompts name is fetched once.
    expect([...web.visits].sort()).toEqual(['/1', '/2']);
  });

  it('count with all tokens of their image, which prompt_max_tokens never drops', async () => {
    const answer = await fetch(
      `${web.on.url}/generate`,
      jsonRequest({
        text: `abc ${tag(web.page('/1'))} def`,
        prompt_max_tokens: 2,
        max_new_tokens: 1,
        return_metadata: true,
      }),
    );
    const { metadata } = (await answer.json()) as {
      metadata: { prompt_tokens: number; image_tokens: number };
    };
    expect(metadata).toMatchObject({ image_tokens: 64, prompt_tokens: 66 });
  });

  it('case 11: are refused when a prompt has more than max_images_per_prompt', async () => {
    const answer = await generate(web.on.url, { text: tag(web.page('/1')).repeat(4) });
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(answer.message).toContain('max_images_per_prompt');
    expect(web.visits).toEqual([]);
  });

  it('are refused beside an upload as a second image', async () => {
    const form = formBody([
      { name: 'image_data', content: jpeg },
      { name: 'json_data', content: JSON.stringify({ text: tag(web.page('/1')) }) },
    ]);
    const answer = await answerOf(await fetch(`${web.on.url}/image_generate`, rawForm(form)));
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(web.visits).toEqual([]);
  });

  it('end their download when the client goes away', async () => {
    let left: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      left = resolve;
    });
    const gone = new AbortController();
    const stalling = createHttpServer((_, response) => {
      response.writeHead(200).write('x');
      response.on('close', () => left?.());
      gone.abort();
    });
    await new Promise<void>((resolve) => stalling.listen(0, '127.0.0.1', resolve));
    const { port } = stalling.address() as { port: number };
    const patient = await startFetchingGateway({
      remote_image_ports: String(port),
      remote_image_timeout_ms: '600000',
    });
    const asked = generate(patient.url, { text: tag(`http://${PUBLIC}:${port}/`) }, gone.signal);
    await expect(asked).rejects.toThrow();
    await closed;
    await patient.close();
    stalling.close();
  });
});

describe('many and failing image tags', () => {
  it('case 11: 100,000 tags in a prompt are refused in linear time', async () => {
    const generous = await startFetchingGateway({
      max_prompt_string_bytes: '10000000',
    });
    const secondsOf = async (count: number): Promise<number> => {
      const start = process.cpuUsage();
      const answer = await generate(generous.url, { text: tag('http://a.test/').repeat(count) });
      expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
      expect(answer.message.length).toBeLessThan(300);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6;
    };
    await secondsOf(1000);
    // Quadratic time would be minutes.
    expect(await secondsOf(100_000)).toBeLessThan(15);
    expect(generous.lookups).toEqual([]);
    await generous.close();
  });

  it('case 11: a million unclosed tags are read in linear time', async () => {
    const generous = await startFetchingGateway({ max_prompt_string_bytes: '10000000' });
    const start = process.cpuUsage();
    const answer = await generate(generous.url, { text: '<image:'.repeat(1_000_000) });
    // Unclosed tags are text, and this text is too long for the model.
    expect(answer).toMatchObject({ status: 400, code: 'request.does_not_fit' });
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(15);
    await generous.close();
  });

  it('case 11: more different images than max_images_per_request are refused before any is fetched', async () => {
    const text = Array.from({ length: 33 }, (_, n) => tag(web.page(`/${n}`)));
    const answer = await generate(web.on.url, { text });
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(answer.message).toContain('max_images_per_request');
    expect(web.visits).toEqual([]);
  });

  it('case 11: 100,000 tags exceed max_prompt_string_bytes by default', async () => {
    const answer = await generate(web.on.url, { text: tag('http://a.test/').repeat(100_000) });
    expect(answer).toMatchObject({ status: 400, code: 'request.prompt_too_large' });
  });

  it.each([
    ['/missing', 'image.fetch_failed', 'status 404'],
    ['/html', 'image.format_unsupported', 'HTML'],
  ])(
    'case 11: an image that fails (%s) fails its request with the index of the prompt',
    async (path, code, reason) => {
      const answer = await generate(web.on.url, {
        text: ['fine', tag(web.page('/1')), tag(web.page(path)), 'fine'],
      });
      expect(answer).toMatchObject({ status: 400, code });
      expect(answer.message).toMatch(/^text\[2\]: /u);
      expect(answer.message).toContain(reason);
    },
  );
});
