// Cases 1 and 11 of the list of other servers' mistakes, and honest tags beside them: what becomes of `<image:URL>` in a prompt.
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

describe('with the setting off', () => {
  it('case 1: a tag is refused on every endpoint, naming the setting, and nothing is fetched', async () => {
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

  it('case 1: schemes that are never fetched are refused too, and not read to the model', async () => {
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

describe('with the setting on', () => {
  it('the tag of the documented example works: any host, redirected to another, an image by its bytes', async () => {
    const answer = await web.ask(web.page(`/to?${web.page('/image')}`));
    // The echo reader answers with the text of its prompt, so the image is not in it and the tag neither.
    expect(answer).toMatchObject({ status: 200, text: '\n what is this?' });
    expect(web.visits).toHaveLength(2);
  });

  it('streams as well, and takes several tags and lists of prompts', async () => {
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
    // The same URL once, however many prompts name it.
    expect([...web.visits].sort()).toEqual(['/1', '/2']);
  });

  it('counts images as they stand in the prompt, and prompt_max_tokens never drops one', async () => {
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

  it('case 11: more tags than max_images_per_prompt are refused', async () => {
    const answer = await generate(web.on.url, { text: tag(web.page('/1')).repeat(4) });
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(answer.message).toContain('max_images_per_prompt');
    expect(web.visits).toEqual([]);
  });

  it('a tag beside an upload counts as a second image', async () => {
    const form = formBody([
      { name: 'image_data', content: jpeg },
      { name: 'json_data', content: JSON.stringify({ text: tag(web.page('/1')) }) },
    ]);
    const answer = await answerOf(await fetch(`${web.on.url}/image_generate`, rawForm(form)));
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(web.visits).toEqual([]);
  });

  it('ends the download when the client goes away', async () => {
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

describe('many and failing tags', () => {
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
    expect(await secondsOf(100_000)).toBeLessThan(3);
    expect(generous.lookups).toEqual([]);
    await generous.close();
  });

  it('case 11: a million tags without an end are read in linear time', async () => {
    const generous = await startFetchingGateway({ max_prompt_string_bytes: '10000000' });
    const start = process.cpuUsage();
    const answer = await generate(generous.url, { text: '<image:'.repeat(1_000_000) });
    // A text without an image, which is too long for the model.
    expect(answer).toMatchObject({ status: 400, code: 'request.does_not_fit' });
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6).toBeLessThan(3);
    await generous.close();
  });

  it('case 11: more different images than max_images_per_request are refused, and none is fetched', async () => {
    const text = Array.from({ length: 33 }, (_, n) => tag(web.page(`/${n}`)));
    const answer = await generate(web.on.url, { text });
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(answer.message).toContain('max_images_per_request');
    expect(web.visits).toEqual([]);
  });

  it('case 11: with the default limits it is too long a text', async () => {
    const answer = await generate(web.on.url, { text: tag('http://a.test/').repeat(100_000) });
    expect(answer).toMatchObject({ status: 400, code: 'request.prompt_too_large' });
  });

  it.each([
    ['/missing', 'image.fetch_failed', 'status 404'],
    ['/html', 'image.format_unsupported', 'HTML'],
  ])(
    'case 11: one image that fails (%s) fails its request, naming the prompt',
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
