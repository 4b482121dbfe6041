import { describe, expect, it } from 'vitest';
import { messageOf } from '../../gateway/answer/message.fixture.js';
import { InputError, NativeError } from '../../errors.js';
import type { FromReader } from '../../link/messages.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import { ConstrainedIntake } from './constrained-intake.js';
import type { CompiledConstraint } from './constraints.js';

const COMPILED: CompiledConstraint = {
  field: 'regex_string',
  compileMs: 1,
  start: () => {
    throw new Error('No answer is started here.');
  },
};
const CONSTRAINED: GenerateMessage = {
  ...messageOf(),
  constraint: { kind: 'regex', field: 'regex_string', pattern: 'a' },
};

function setUp() {
  const accepted: (CompiledConstraint | null | undefined)[] = [];
  const cancelled: string[] = [];
  const sent: FromReader[] = [];
  const defects: unknown[] = [];
  const compiled: { resolve: (one: CompiledConstraint) => void; reject: (error: Error) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  const compiling = new Promise<CompiledConstraint>((resolve, reject) =>
    Object.assign(compiled, { resolve, reject }),
  );
  const intake = new ConstrainedIntake({
    loop: {
      accept: (_message, constraint) => accepted.push(constraint),
      cancel: (requestId) => cancelled.push(requestId),
      idle: () => Promise.resolve(),
    },
    constraints: { compile: () => compiling },
    send: (event) => sent.push(event),
    onDefect: (error) => defects.push(error),
  });
  return { intake, accepted, cancelled, sent, defects, compiled };
}

describe('ConstrainedIntake', () => {
  it('lets requests without a constraint pass those that wait for one', async () => {
    const { intake, accepted, compiled } = setUp();
    intake.accept(CONSTRAINED);
    intake.accept(messageOf());
    expect(accepted).toEqual([undefined]);
    compiled.resolve(COMPILED);
    await intake.idle();
    expect(accepted).toEqual([undefined, COMPILED]);
  });

  it.each([
    ['that of the constraint', {}, 'regex_string'],
    [
      'the one that the error names',
      { field: 'tools[1].function.parameters' },
      'tools[1].function.parameters',
    ],
  ])('ends every prompt of a refused request with the error and its field, %s', async (_, details, field) => {
    const { intake, sent, accepted, defects, compiled } = setUp();
    intake.accept(CONSTRAINED);
    compiled.reject(new InputError('request.constraint_unsupported', 'No.', { details }));
    await intake.idle();
    expect(accepted).toEqual([]);
    expect(sent).toEqual(
      CONSTRAINED.prompts.map((_, prompt) => ({
        kind: 'error',
        requestId: CONSTRAINED.requestId,
        prompt,
        code: 'request.constraint_unsupported',
        message: 'No.',
        field,
      })),
    );
    expect(defects).toEqual([]);
  });

  it('ends every prompt of a request that was cancelled meanwhile as cancelled', async () => {
    const { intake, sent, accepted, cancelled, compiled } = setUp();
    intake.accept(CONSTRAINED);
    intake.cancel(CONSTRAINED.requestId);
    compiled.resolve(COMPILED);
    await intake.idle();
    expect([accepted, cancelled]).toEqual([[], []]);
    expect(sent).toMatchObject(CONSTRAINED.prompts.map(() => ({ kind: 'done', finishReason: 'cancelled' })));
    intake.cancel(CONSTRAINED.requestId);
    expect(cancelled).toEqual([CONSTRAINED.requestId]);
  });

  it('says nothing to the request when constraints cannot be compiled at all: another reader may answer it', async () => {
    const { intake, sent, defects, compiled } = setUp();
    const failure = new NativeError('native.library_missing', 'Not installed.');
    intake.accept(CONSTRAINED);
    compiled.reject(failure);
    await intake.idle();
    expect(sent).toEqual([]);
    expect(defects).toEqual([failure]);
  });
});
