// The arguments of one call of a filter, a method or a function.
import { failed } from './template-fault.js';
import type { Value } from './values.js';

export class Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;

  constructor(positional: readonly Value[] = [], named: ReadonlyMap<string, Value> = new Map()) {
    this.positional = positional;
    this.named = named;
  }

  /** The arguments in the order of `names`, undefined where one was not given. The first `required` must be there. */
  bind(callee: string, names: readonly string[], required = 0): (Value | undefined)[] {
    const { positional, named } = this;
    if (positional.length > names.length)
      throw failed(`${callee} takes ${names.length} arguments, not ${positional.length}`);
    for (const name of named.keys())
      if (!names.slice(positional.length).includes(name))
        throw failed(`${callee} does not take the argument ${name}, or has it twice`);
    const values = names.map((name, index) => positional[index] ?? named.get(name));
    const missing = names.find((_, index) => index < required && values[index] === undefined);
    if (missing !== undefined) throw failed(`${callee} needs the argument ${missing}`);
    return values;
  }
}
