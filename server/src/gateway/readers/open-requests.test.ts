import { describe, expect, it } from 'vitest';
import { doneOf, messageOf, tokenOf } from '../answer/message.fixture.js';
import { OpenRequests } from './open-requests.js';

function opened(promptCount: number): { readonly open: OpenRequests; readonly heard: string[] } {
  const open = new OpenRequests();
  const heard: string[] = [];
  open.add(messageOf(promptCount), {
    onEvent: (event) => heard.push(`${event.kind} ${event.prompt}`),
    onEnd: (end) =>
      heard.push(`lost: ${end.kind === 'lost' ? `${end.death.reason} ${end.death.requestIds.join()}` : ''}`),
  });
  return { open, heard };
}

describe('OpenRequests', () => {
  it('delivers events and counts the prompts that have not ended', () => {
    const { open, heard } = opened(2);
    expect(open.promptCount).toBe(2);
    open.deliver(tokenOf('x', 1));
    open.deliver(doneOf(1));
    expect(open.promptCount).toBe(1);
    expect(open.has('r')).toBe(true);
    open.deliver(doneOf(0));
    expect(open.promptCount).toBe(0);
    expect(open.has('r')).toBe(false);
    expect(heard).toEqual(['token 1', 'done 1', 'done 0']);
  });

  it('lets nothing through after the terminal event of a prompt, for a reader that goes on talking', () => {
    const { open, heard } = opened(2);
    open.deliver(doneOf(0));
    open.deliver(tokenOf('x', 0));
    open.deliver(doneOf(0));
    expect(open.promptCount).toBe(1);
    expect(heard).toEqual(['done 0']);
  });

  it('drops events of requests and prompts that do not exist', () => {
    const { open, heard } = opened(1);
    open.deliver(tokenOf('x', 1));
    open.deliver(tokenOf('x', 0, 'another'));
    expect(heard).toEqual([]);
  });

  it('tells each open request once that the reader is lost, and not those that have ended', () => {
    const { open, heard } = opened(1);
    open.add(messageOf(1, 'ended'), {
      onEvent: () => undefined,
      onEnd: () => heard.push('an ended request was lost'),
    });
    open.deliver(doneOf(0, 'ended'));
    open.loseAll('killed');
    open.loseAll('killed');
    open.deliver(tokenOf('late'));
    expect(heard).toEqual(['lost: killed r']);
    expect(open.promptCount).toBe(0);
  });
});
