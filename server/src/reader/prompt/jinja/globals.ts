// The functions that every template sees. Those that Jinja and transformers have besides are refused by name, so that no template takes
// a missing one for a reason to do something else.
import type { Arguments } from './arguments.js';
import type { Budget } from './budget.js';
import { TemplateFault, unsupported } from './template-fault.js';
import { Callable, List, Namespace, toInteger, toText, typeName, type Value } from './values.js';

/** Jinja's sandbox allows 100,000; no template counts that far. */
const MAX_RANGE = 10_000;
const MAX_RAISED_CHARACTERS = 500;

export const GLOBALS: ReadonlyMap<string, Value> = new Map<string, Value>(
  [
    new Callable('range', range),
    new Callable('namespace', ({ positional, named }) => {
      if (positional.length > 0) throw unsupported('a namespace made from a value');
      return new Namespace(new Map(named));
    }),
    new Callable('raise_exception', (args) => {
      const [message] = args.bind('raise_exception', ['message'], 1);
      const text = message === undefined ? '' : toText(message).text;
      throw new TemplateFault('raised', text.slice(0, MAX_RAISED_CHARACTERS));
    }),
  ].map((callable) => [callable.name, callable]),
);

/** What Python's templates see and ours do not, in words for people. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...['dict', 'lipsum', 'cycler', 'joiner'].map((name) => [name, `the function ${name}`] as const),
  ...['caller', 'kwargs', 'varargs'].map((name) => [name, `${name} of macros`] as const),
]);

/** For a name that a template reads and does not set. @throws TemplateFault */
export function validateName(name: string, line: number): void {
  const refused = REFUSED.get(name);
  if (refused !== undefined) throw unsupported(refused, line);
}

function range(args: Arguments, budget: Budget): Value {
  const [first, second, third] = args.bind('range', ['start', 'stop', 'step'], 1).map((value) => {
    if (value === undefined || typeof value === 'number') return value;
    throw unsupported(`a range with a ${typeName(value)}`);
  });
  const start = second === undefined ? 0 : toInteger(first ?? 0, 'start');
  const stop = second ?? first ?? 0;
  const step = third ?? 1;
  if (step === 0) throw unsupported('a range with step 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_RANGE)
    throw new TemplateFault('too_large', `it counts ${count} numbers; ${MAX_RANGE} are allowed`);
  budget.steps(count);
  return new List(Array.from({ length: count }, (_, index) => start + index * step));
}
