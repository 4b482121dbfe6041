import { describe, expect, it } from 'vitest';
import { Random } from '../../../../harness/random.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import type { AttemptEnd } from './consumer-group.js';
import { GuardedGroup } from './guarded-group.js';
import { doneOf, messageOf, tokenOf } from './message.fixture.js';
import { ScriptedGroup } from './scripted-group.fixture.js';
import { SUSPICION_MS } from './suspects.js';

/** Its content is its first letter: `a1` and `a2` ask the same. */
const messageNamed = (requestId: string, promptCount = 1): GenerateMessage => ({
  ...messageOf(promptCount, requestId),
  prompts: Array.from({ length: promptCount }, () => ({
    kind: 'raw',
    parts: [{ kind: 'text', text: requestId.charAt(0) }],
  })),
});

function guarded() {
  const group = new ScriptedGroup();
  const clock = { nowMs: 0 };
  const guard = new GuardedGroup(group, () => clock.nowMs);
  const ends: Record<string, AttemptEnd> = {};
  const heard: string[] = [];
  const submit = (...requestIds: string[]): void => {
    for (const requestId of requestIds) {
      guard.submit(
        { message: messageNamed(requestId), preparedFor: null },
        {
          onEvent: ({ kind }) => heard.push(`${requestId} ${kind}`),
          onEnd: (end) => {
            ends[requestId] = end;
          },
        },
      );
    }
  };
  const token = (requestId: string): void => group.say(tokenOf('x', 0, requestId));
  const done = (requestId: string): void => group.say(doneOf(0, requestId));
  /** What has begun since the last call, once all microtasks have run. */
  const begun = async (): Promise<string[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    return group.newlySubmitted();
  };
  /** `a`, `b` and so on were there when a reader died, and are asked again. */
  const suspectsAgain = async (...names: string[]): Promise<void> => {
    const first = names.map((name) => `${name}1`);
    submit(...first);
    await begun();
    group.die(...first);
    submit(...names.map((name) => `${name}2`));
  };
  return { group, guard, clock, ends, heard, submit, token, done, begun, suspectsAgain };
}

const codeOf = (end: AttemptEnd | undefined): unknown =>
  end?.kind === 'refused' ? end.error.code : end?.kind;
const CRASHES = 'request.crashes_reader';

describe('requests in whose company a reader died', () => {
  it('are handed on one at a time: the next one at the first event of the one before', async () => {
    const { begun, token, suspectsAgain } = guarded();
    await suspectsAgain('a', 'b', 'c');
    expect(await begun()).toEqual(['a2']);
    expect(await begun()).toEqual([]);
    token('a2');
    expect(await begun()).toEqual(['b2']);
    token('a2');
    expect(await begun()).toEqual([]);
    token('b2');
    expect(await begun()).toEqual(['c2']);
  });

  it.each<[string, (world: ReturnType<typeof guarded>) => void]>([
    ['has ended without a token', ({ done }) => done('a2')],
    ['is refused', ({ group }) => group.end('a2', { kind: 'cancelled' })],
    ['is cancelled', ({ guard }) => guard.cancel('a2', 'unwanted')],
    ['dies with its reader', ({ group }) => group.die('a2')],
  ])('are handed on when the one before %s', async (_, act) => {
    const world = guarded();
    await world.suspectsAgain('a', 'b');
    expect(await world.begun()).toEqual(['a2']);
    act(world);
    expect(await world.begun()).toEqual(['b2']);
  });

  it('do not hold up any other request', async () => {
    const { begun, submit, suspectsAgain } = guarded();
    await suspectsAgain('a', 'b');
    submit('x1', 'y1');
    expect(await begun()).toEqual(['a2', 'x1', 'y1']);
  });

  it('are suspects no more once a reader has answered the same, whoever asked', async () => {
    const { begun, done, submit, suspectsAgain } = guarded();
    await suspectsAgain('a', 'b');
    submit('b3', 'b4');
    expect(await begun()).toEqual(['a2']);
    done('a2');
    expect(await begun()).toEqual(['b2']);
    done('b2');
    // Together, since nothing speaks against them any more.
    expect(await begun()).toEqual(['b3', 'b4']);
    submit('a5', 'b5');
    expect(await begun()).toEqual(['a5', 'b5']);
  });

  it('wait for their turn no more once a reader has answered the same, though others before them still do', async () => {
    const { group, begun, done, submit } = guarded();
    submit('b0', 'a1', 'b1');
    await begun();
    group.die('a1', 'b1');
    submit('a2', 'a3', 'b2');
    expect(await begun()).toEqual(['a2']);
    done('b0');
    expect(await begun()).toEqual(['b2']);
  });

  it('can be cancelled while they wait for their turn', async () => {
    const { guard, group, begun, done, ends, suspectsAgain } = guarded();
    await suspectsAgain('a', 'b', 'c');
    expect(await begun()).toEqual(['a2']);
    guard.cancel('b2', 'unwanted');
    expect(ends['b2']).toEqual({ kind: 'cancelled' });
    expect(group.cancelled).toEqual([]);
    done('a2');
    expect(await begun()).toEqual(['c2']);
  });
});

describe('a request that kills readers', () => {
  it('is refused without holding up a suspect behind it', async () => {
    const { group, begun, token, submit, ends, suspectsAgain } = guarded();
    await suspectsAgain('c', 'p', 'b');
    expect(await begun()).toEqual(['c2']);
    token('c2');
    expect(await begun()).toEqual(['p2']);
    submit('p3', 'b3');
    group.die('p2');
    expect(await begun()).toEqual(['b2']);
    expect(codeOf(ends['p3'])).toBe(CRASHES);
  });

  it('is refused after the second death, and its companions are not', async () => {
    const { group, begun, done, submit, ends, suspectsAgain } = guarded();
    await suspectsAgain('p', 'b', 'c');
    expect(await begun()).toEqual(['p2']);
    group.die('p2');
    submit('p3');
    expect(await begun()).toEqual(['b2']);
    expect(codeOf(ends['p3'])).toBe(CRASHES);
    done('b2');
    expect(await begun()).toEqual(['c2']);
    done('c2');
    submit('b4', 'c4', 'p4');
    expect(ends).not.toHaveProperty('p4');
    expect(await begun()).toEqual(['b4', 'c4']);
    expect(codeOf(ends['p4'])).toBe(CRASHES);
  });

  it('is refused while it waits for its turn, too', async () => {
    const { group, begun, ends, submit, suspectsAgain } = guarded();
    await suspectsAgain('p');
    submit('p3');
    expect(await begun()).toEqual(['p2']);
    group.die('p2');
    expect(await begun()).toEqual([]);
    expect(codeOf(ends['p3'])).toBe(CRASHES);
  });

  it('may be tried again after some minutes', async () => {
    const { group, clock, begun, submit, suspectsAgain } = guarded();
    await suspectsAgain('p');
    await begun();
    group.die('p2');
    clock.nowMs = SUSPICION_MS;
    submit('p3');
    expect(await begun()).toEqual(['p3']);
  });

  it('is not washed clean by sending it and cancelling it at once', async () => {
    const { group, guard, begun, submit, done, ends, suspectsAgain } = guarded();
    await suspectsAgain('p');
    await begun();
    guard.cancel('p2', 'unwanted');
    done('p2');
    submit('p3');
    await begun();
    group.die('p3');
    submit('p4');
    await begun();
    expect(codeOf(ends['p4'])).toBe(CRASHES);
  });

  it('is found among several suspects by running each of them alone, to its end', async () => {
    const { group, begun, token, done, submit, ends, suspectsAgain } = guarded();
    await suspectsAgain('b', 'p', 'c');
    expect(await begun()).toEqual(['b2']);
    token('b2');
    expect(await begun()).toEqual(['p2']);
    token('p2');
    expect(await begun()).toEqual(['c2']);
    group.die('b2', 'p2', 'c2');
    submit('b3', 'p3', 'c3', 'x1');
    expect(await begun()).toEqual(['x1', 'b3']);
    token('b3');
    expect(await begun()).toEqual([]);
    done('b3');
    expect(await begun()).toEqual(['p3']);
    token('p3');
    group.die('p3', 'x1');
    submit('p4');
    expect(await begun()).toEqual(['c3']);
    expect(codeOf(ends['p4'])).toBe(CRASHES);
  });

  it('waits, when it must run alone, until other suspects have ended, and none overtakes it', async () => {
    const { group, guard, begun, token, done, submit, suspectsAgain } = guarded();
    await suspectsAgain('a', 'b', 'c');
    await begun();
    token('a2');
    await begun();
    group.die('a2', 'b2');
    // Only `c` is a plain suspect; cancelled, it may still kill the reader.
    expect(await begun()).toEqual(['c2']);
    guard.cancel('c2', 'unwanted');
    submit('a3', 'c3');
    expect(await begun()).toEqual([]);
    done('c2');
    expect(await begun()).toEqual(['a3']);
    done('a3');
    expect(await begun()).toEqual(['c3']);
  });

  it('is refused for what it asks, in all of its prompts together', async () => {
    const { guard, group, heard, begun } = guarded();
    guard.submit(
      { message: messageNamed('q1', 2), preparedFor: null },
      { onEvent: ({ kind, prompt }) => heard.push(`${kind} ${prompt}`), onEnd: () => undefined },
    );
    group.say(tokenOf('x', 1, 'q1'), doneOf(1, 'q1'), doneOf(0, 'q1'));
    expect(heard).toEqual(['token 1', 'done 1', 'done 0']);
    expect(await begun()).toEqual(['q1']);
  });
});

/** Clients that send the same few questions again and again, one of which kills any reader that works on it. */
class Killing {
  /** Whether clients have stopped asking. */
  isOver = false;
  deaths = 0;
  refusals = 0;
  answers = 0;
  readonly #random: Random;
  readonly #group = new ScriptedGroup();
  readonly #guard = new GuardedGroup(this.#group, () => 0);
  readonly #tokens = new Map<string, number>();
  #count = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  ask(name: string): void {
    const requestId = `${name}${++this.#count}`;
    this.#guard.submit(
      { message: messageNamed(requestId), preparedFor: null },
      {
        onEvent: ({ kind }) => {
          if (kind === 'done') this.#again(name);
        },
        onEnd: (end) => {
          if (end.kind === 'refused') {
            expect(name).toBe('p');
            this.refusals += 1;
          }
          this.#again(name);
        },
      },
    );
  }

  step(): void {
    const requestIds = [...this.#group.open.keys()];
    const requestId = this.#random.pick(requestIds);
    const tokens = this.#tokens.get(requestId) ?? 0;
    const isOver = this.#random.below(4) < tokens;
    if (requestId.startsWith('p') && isOver) {
      this.deaths += 1;
      this.#group.die(...requestIds);
    } else if (isOver) {
      this.answers += 1;
      this.#group.say(doneOf(0, requestId));
      this.#group.open.delete(requestId);
    } else {
      this.#tokens.set(requestId, tokens + 1);
      this.#group.say(tokenOf('x', 0, requestId));
    }
  }

  /** The answered and the refused alike. */
  #again(name: string): void {
    setImmediate(() => {
      if (!this.isOver) this.ask(name);
    });
  }
}

it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
  'a poisonous request costs three deaths at most, and no honest one is refused (seed %i)',
  async (seed) => {
    const killing = new Killing(seed);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'p', 'p']) killing.ask(name);
    for (let step = 0; step < 250; step += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      killing.step();
    }
    killing.isOver = true;
    expect(killing.deaths).toBeGreaterThanOrEqual(2);
    expect(killing.deaths).toBeLessThanOrEqual(3);
    expect(killing.refusals).toBeGreaterThan(0);
    expect(killing.answers).toBeGreaterThan(50);
  },
);
