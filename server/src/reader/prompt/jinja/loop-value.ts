// `loop` inside a for.
import type { Arguments } from './arguments.js';
import { failed, unsupported } from './template-fault.js';
import { Callable, Undefined, type Computed, type Value } from './values.js';

export class LoopValue implements Computed {
  readonly kind = 'LoopContext';
  readonly #items: readonly Value[];
  readonly #index: number;

  constructor(items: readonly Value[], index: number) {
    this.#items = items;
    this.#index = index;
  }

  attribute(name: string): Value | undefined {
    const [items, index] = [this.#items, this.#index];
    switch (name) {
      case 'index':
        return index + 1;
      case 'index0':
        return index;
      case 'revindex':
        return items.length - index;
      case 'revindex0':
        return items.length - index - 1;
      case 'first':
        return index === 0;
      case 'last':
        return index === items.length - 1;
      case 'length':
        return items.length;
      case 'previtem':
        return items[index - 1] ?? new Undefined('there is no previous item');
      case 'nextitem':
        return items[index + 1] ?? new Undefined('there is no next item');
      case 'cycle':
        return new Callable('cycle', (args) => this.#cycle(args));
      case 'changed':
      case 'depth':
      case 'depth0':
        throw unsupported(`loop.${name}`);
      default:
        return undefined;
    }
  }

  #cycle({ positional }: Arguments): Value {
    const item = positional[this.#index % positional.length];
    if (item === undefined) throw failed('no items for cycling given');
    return item;
  }
}
