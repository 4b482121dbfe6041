// What many users do to a server, each a function of a world that asks and remembers. Seeded: both servers of a comparison get the same
// questions about the same images in the same order. A figure is named by whom it concerns.
import { setTimeout as delay } from 'node:timers/promises';
import { firstTokenMs, gapsOf, gapsWithin, type Answer } from './answer.js';
import { parseNames } from '../options.js';
import { streamBesideSchemas } from './beside-schemas.js';
import { compareBudgets } from './fewer-tokens.js';
import { FIVE_TILES, PLAIN, type World } from './world.js';

export interface Scenario {
  readonly name: string;
  /** A line for --help. */
  readonly about: string;
  /** Whether it runs without being named. */
  readonly isDefault: boolean;
  run(world: World): Promise<void>;
}

const DESCRIBE = 'Describe the image to me in detail.';
const QUESTIONS = ['What is in the middle?', 'How many things are there?', 'Which colours do you see?'];
const STORY = 'Tell me a story of a lighthouse.';
/** Of answers of which only the first token is measured. */
const FEW_TOKENS = 8;
/** About 800 tokens in the vocabularies of LLaMA and Mistral. */
const LONG_TEXT = Array.from({ length: 100 }, (_, n) => `On day ${n} the sea was calm.`).join(' ');
const QUIET_TOKENS = 16;
/** Of an answer that outlasts the request of another client; it is cancelled then. */
const OUTLASTING_TOKENS = 1024;
const BURSTS = [1, 4, 8, 32];
const LIST_LENGTH = 50;
const EQUAL_REQUESTS = 4;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one-client',
    about: 'one client, an image that nobody has asked about',
    isDefault: true,
    run: async (world) => {
      const answer = await world.ask({
        image: await world.newImage(),
        text: DESCRIBE,
        newTokens: world.newTokens,
      });
      world.figure('first token', 'ms', firstTokenMs(answer));
      world.gaps('gap', gapsOf(answer));
      world.figure('whole answer', 'ms', answer.endMs - answer.startMs);
    },
  },
  ...[4, 8].map((clients): Scenario => ({
    name: `${clients}-images`,
    about: `${clients} clients at once, each with an image of its own`,
    isDefault: clients === 4,
    run: async (world) => {
      const images = [];
      for (let client = 0; client < clients; client += 1) images.push(await world.newImage());
      await together(
        world,
        images.map((image) => ({ image, text: DESCRIBE })),
      );
    },
  })),
  {
    name: 'questions',
    about: 'several questions about an image, of its user and of another, one while an answer streams',
    isDefault: true,
    run: askSeveralQuestions,
  },
  {
    name: 'text-questions',
    about: 'questions without an image, one after the other, whose template has been seen',
    isDefault: false,
    run: async (world) => {
      const ask = (text: string): Promise<Answer> =>
        world.ask({ image: null, text: world.newText(text), newTokens: FEW_TOKENS });
      await ask(STORY);
      for (const question of QUESTIONS) world.figure('first token', 'ms', firstTokenMs(await ask(question)));
    },
  },
  ...(
    [
      ['image', 'an image of 640 × 480', true],
      ['tiles', 'an image of 1,000 × 1,000, five tiles of an anyres model', false],
      ['text', 'about 800 tokens of text', true],
    ] as const
  ).map(([kind, what, isDefault]): Scenario => ({
    name: `stream-beside-${kind}`,
    about: `a text stream while another client sends ${what}`,
    isDefault,
    run: (world) => streamBeside(world, kind),
  })),
  {
    name: 'text-bursts',
    about: `${BURSTS.join(', ')} text streams at once`,
    isDefault: true,
    run: async (world) => {
      for (const streams of BURSTS) {
        const startMs = performance.now();
        const answers = await Promise.all(
          Array.from({ length: streams }, () =>
            world.ask({ image: null, text: world.newText(STORY), newTokens: world.newTokens }),
          ),
        );
        world.figure(`${streams} streams`, 'tokens/s', rate(answers, startMs));
      }
    },
  },
  {
    name: 'equal-requests',
    about: `${EQUAL_REQUESTS} equal requests at once, with an image`,
    isDefault: true,
    run: async (world) => {
      const image = await world.newImage();
      await together(
        world,
        Array.from({ length: EQUAL_REQUESTS }, () => ({ image, text: DESCRIBE })),
      );
    },
  },
  {
    name: 'list',
    about: `${LIST_LENGTH} prompts of one client, and single ones of another beside them`,
    isDefault: false,
    run: async (world) => {
      const list = Promise.all(
        Array.from({ length: LIST_LENGTH }, () =>
          world.ask({ image: null, text: world.newText(STORY), newTokens: world.newTokens }),
        ),
      );
      const over = new AbortController();
      void list.then(() => over.abort());
      const startMs = performance.now();
      while (!over.signal.aborted) {
        await delay(200);
        const single = await world.ask({ image: null, text: world.newText(STORY), newTokens: FEW_TOKENS });
        world.figure('first token of a single prompt', 'ms', firstTokenMs(single));
      }
      world.figure('the list', 'tokens/s', rate(await list, startMs));
    },
  },
  {
    name: 'open-loop',
    about: '24 requests, a third with images, at random times, at three quarters of what one client reaches',
    isDefault: false,
    run: askAtRandomTimes,
  },
  {
    name: 'cancels',
    about: 'eight clients for a minute, every second request cancelled at a random time',
    isDefault: false,
    run: cancelAtRandom,
  },
  ...(
    [
      ['fewer-tokens', 'an image with all of its tokens and with 64', PLAIN, 64],
      [
        'fewer-tokens-tiles',
        'five tiles of an anyres model with all of their tokens and with 320',
        FIVE_TILES,
        320,
      ],
    ] as const
  ).map(([name, what, size, imageTokens]): Scenario => ({
    name,
    about: `${what} (needs --own-api openai)`,
    isDefault: false,
    run: (world) => compareBudgets(world, size, imageTokens),
  })),
  {
    name: 'stream-beside-schemas',
    about: 'text streams while another client sends 300 hostile schemas and patterns (our own server only)',
    isDefault: false,
    run: streamBesideSchemas,
  },
  {
    name: '200-images',
    about: '200 images one after the other, and the memory meanwhile',
    isDefault: false,
    run: async (world) => {
      for (let image = 0; image < 200; image += 1) {
        await world.ask({ image: await world.newImage(), text: DESCRIBE, newTokens: FEW_TOKENS });
        const quarter = 1 + Math.floor(image / 50);
        world.figure(`memory, quarter ${quarter}`, 'MiB', world.residentMiB());
      }
    },
  },
];

/** @throws OptionError for a name that no scenario has */
export function chosenScenarios(names: string): readonly Scenario[] {
  const known = SCENARIOS.map(({ name }) => name);
  const chosen = parseNames('--only', names, known);
  return chosen.flatMap((name) => SCENARIOS.filter((scenario) => scenario.name === name));
}

async function askSeveralQuestions(world: World): Promise<void> {
  const image = await world.newImage();
  const about = (text: string, options = {}): Promise<Answer> =>
    world.ask({ image, text, newTokens: FEW_TOKENS }, options);
  world.figure('first token, new image', 'ms', firstTokenMs(await about(DESCRIBE)));
  world.figure('first token, the same again', 'ms', firstTokenMs(await about(DESCRIBE)));
  world.figure('first token, second question', 'ms', firstTokenMs(await about(QUESTIONS[0]!)));
  await world.ask({ image: await world.newImage(), text: DESCRIBE, newTokens: FEW_TOKENS });
  const after = await about(QUESTIONS[1]!);
  world.figure('first token, question after another image', 'ms', firstTokenMs(after));
  let beside: Promise<Answer> | undefined;
  await world.ask(
    { image, text: DESCRIBE, newTokens: world.newTokens },
    {
      onToken: (count) => {
        if (count === 1) beside = about(QUESTIONS[2]!);
      },
    },
  );
  if (beside !== undefined)
    world.figure('first token, question while an answer streams', 'ms', firstTokenMs(await beside));
}

/** The stream goes on until the other client has its first token. */
async function streamBeside(world: World, kind: 'image' | 'tiles' | 'text'): Promise<void> {
  const otherQuestion = async () =>
    kind === 'text'
      ? { image: null, text: world.newText(LONG_TEXT), newTokens: FEW_TOKENS }
      : {
          image: await world.newImage(kind === 'tiles' ? FIVE_TILES : PLAIN),
          text: DESCRIBE,
          newTokens: FEW_TOKENS,
        };
  const alone = await world.ask(await otherQuestion());
  const question = await otherQuestion();
  let other: Promise<Answer> | undefined;
  const client = new AbortController();
  const stream = await world.ask(
    { image: null, text: world.newText(STORY), newTokens: OUTLASTING_TOKENS },
    {
      signal: client.signal,
      onToken: (count) => {
        if (count !== QUIET_TOKENS) return;
        other = world.ask(question);
        void other.then(() => client.abort());
      },
    },
  );
  if (other === undefined) throw new Error(`The stream ended before ${QUIET_TOKENS} tokens.`);
  const asked = await other;
  const [fromMs, toMs] = [asked.startMs, asked.tokensMs[0] ?? asked.endMs];
  world.gaps('quiet gap of the stream', gapsWithin(stream, -Infinity, fromMs));
  world.gaps('gap of the stream meanwhile', gapsWithin(stream, fromMs, toMs));
  world.figure('first token of the other client', 'ms', firstTokenMs(asked));
  world.figure('the same alone', 'ms', firstTokenMs(alone));
  world.trace(stream, fromMs, toMs);
}

async function together(
  world: World,
  questions: readonly { readonly image: Awaited<ReturnType<World['newImage']>>; readonly text: string }[],
): Promise<void> {
  const startMs = performance.now();
  const answers = await Promise.all(
    questions.map((question) => world.ask({ ...question, newTokens: world.newTokens })),
  );
  const firsts = answers.map(firstTokenMs).sort((a, b) => a - b);
  world.figure('fastest first token', 'ms', firsts[0] ?? NaN);
  world.figure('median first token', 'ms', firsts[Math.floor(firsts.length / 2)] ?? NaN);
  world.figure('slowest first token', 'ms', firsts.at(-1) ?? NaN);
  world.figure('all answers', 'tokens/s', rate(answers, startMs));
  world.figure('images', 'per min', (answers.length * 60_000) / (performance.now() - startMs));
}

async function askAtRandomTimes(world: World): Promise<void> {
  const ask = async (withImage: boolean): Promise<Answer> =>
    world.ask({
      image: withImage ? await world.newImage() : null,
      text: withImage ? DESCRIBE : world.newText(STORY),
      newTokens: world.newTokens,
    });
  const startMs = performance.now();
  for (const withImage of [true, false, false]) await ask(withImage);
  const meanMs = (performance.now() - startMs) / 3 / 0.75;
  const asked: Promise<Answer>[] = [];
  for (let request = 0; request < 24; request += 1) {
    asked.push(ask(request % 3 === 0));
    await delay(-Math.log(1 - world.random.below(1e6) / 1e6) * meanMs);
  }
  for (const answer of await Promise.all(asked)) {
    world.figure('first token', 'ms', firstTokenMs(answer));
    world.gaps('gap', gapsOf(answer));
  }
}

async function cancelAtRandom(world: World): Promise<void> {
  const endMs = performance.now() + 60_000;
  const images = [await world.newImage(), await world.newImage()];
  let [cancelled, whole] = [0, 0];
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const isCancelled = world.random.below(2) === 0;
      const signal = isCancelled
        ? AbortSignal.timeout(world.random.below(3000))
        : new AbortController().signal;
      const image = world.random.below(3) === 0 ? images[world.random.below(2)]! : null;
      const answer = await world.ask(
        { image, text: world.newText(STORY), newTokens: world.newTokens },
        { signal },
      );
      if (answer.wasCancelled) cancelled += 1;
      else whole += 1;
      world.figure('memory', 'MiB', world.residentMiB());
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  world.figure('cancelled', 'requests', cancelled);
  world.figure('answered', 'requests', whole);
}

const rate = (answers: readonly Answer[], startMs: number): number =>
  (1000 * answers.reduce((sum, { tokensMs }) => sum + tokensMs.length, 0)) / (performance.now() - startMs);
