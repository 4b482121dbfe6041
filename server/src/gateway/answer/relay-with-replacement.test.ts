import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CapacityError, InputError } from '../../errors.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import { doneOf, messageOf, tokenOf } from './message.fixture.js';
import { relayWithReplacement } from './relay-with-replacement.js';
import { ScriptedGroup } from './scripted-group.fixture.js';
import { StopFlag } from './stop-flag.js';

const noReader = (): CapacityError => new CapacityError('group.unavailable', 'No reader is live.', 1000);

/** A request of two prompts whose events are pulled as they come. `takesBack`: whether its events can be forgotten. */
function asked({ takesBack = false } = {}) {
  const group = new ScriptedGroup();
  const client = new StopFlag();
  const shutdown = new StopFlag();
  const seen: string[] = [];
  const note = (event: RequestEvent): void =>
    void seen.push(`${event.prompt} ${event.kind === 'error' ? event.code : event.kind}`);
  const events = relayWithReplacement({
    group,
    submission: { message: messageOf(2), preparedFor: null },
    limits: { firstTokenTimeoutMs: 60_000, readerMessageTimeoutMs: 60_000 },
    onEvent: () => undefined,
    clientGone: client,
    shutdown,
    takeBack: takesBack ? () => void seen.push('taken back') : null,
  });
  let failure: unknown;
  const ended = (async () => {
    for await (const event of events) note(event);
  })().catch((error: unknown) => {
    failure = error;
  });
  const die = async (): Promise<void> => {
    group.die('r');
    await nextTurn();
  };
  return { group, client, shutdown, seen, ended, die, failure: () => failure };
}

describe('relayWithReplacement', () => {
  it('asks again when a reader dies before its first event, four times in all, and takes nothing back', async () => {
    const { group, seen, ended, die } = asked({ takesBack: true });
    for (let death = 0; death < 4; death += 1) await die();
    await ended;
    expect(group.submitted).toHaveLength(4);
    expect(seen).toEqual(['0 reader.died', '1 reader.died']);
  });

  it('asks again after events that can be taken back, and takes them back first', async () => {
    const { group, seen, ended, die } = asked({ takesBack: true });
    group.say(tokenOf('a', 0));
    await nextTurn();
    await die();
    group.say(doneOf(0), doneOf(1));
    await ended;
    expect(seen).toEqual(['0 token', 'taken back', '0 done', '1 done']);
  });

  it('ends what is open when a reader dies after an event that was shown', async () => {
    const { group, seen, ended, die } = asked();
    group.say(doneOf(1));
    await nextTurn();
    await die();
    await ended;
    expect(group.submitted).toHaveLength(1);
    expect(seen).toEqual(['1 done', '0 reader.died']);
  });

  it('asks nobody again once the server shuts down, or the client is gone', async () => {
    const closing = asked();
    closing.group.die('r');
    closing.shutdown.raise();
    await closing.ended;
    expect(closing.group.submitted).toHaveLength(1);
    expect(closing.seen).toEqual(['0 reader.died', '1 reader.died']);
    const left = asked();
    left.client.raise();
    await left.ended;
    expect(left.group.submitted).toHaveLength(1);
    expect([left.seen, left.failure()]).toEqual([[], undefined]);
  });

  it('says that the reader died where no other comes, and otherwise why the request is refused', async () => {
    const alone = asked();
    await alone.die();
    alone.group.end('r', { kind: 'refused', error: noReader() });
    await alone.ended;
    expect(alone.seen).toEqual(['0 reader.died', '1 reader.died']);
    const guilty = asked();
    await guilty.die();
    const refusal = new InputError('request.crashes_reader', 'It ends readers.');
    guilty.group.end('r', { kind: 'refused', error: refusal });
    await guilty.ended;
    expect([guilty.seen, guilty.failure()]).toEqual([[], refusal]);
    const first = asked();
    first.group.end('r', { kind: 'refused', error: noReader() });
    await first.ended;
    expect(first.failure()).toMatchObject({ code: 'group.unavailable' });
  });
});
