// The names that a piece of a template sees. The body of a loop has a scope of its own for every round, and what it sets is gone
// afterwards; branches of an if have none. Python's Jinja decides when it compiles which variable a name is: a name that a block inside reads
// and that this scope sets further down is undefined inside, even if the caller gave it a value. Such a template is refused.
import { unsupported } from './template-fault.js';
import { Undefined, type Value } from './values.js';

export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | undefined;
  /** Names that were read here before they were set here, and names that a scope inside read through this one. */
  readonly #read = new Set<string>();
  readonly #readInside = new Set<string>();

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  /** The scope outside the template: what it is given. */
  static of(values: Iterable<readonly [string, Value]>): Scope {
    const scope = new Scope();
    for (const [name, value] of values) scope.#values.set(name, value);
    return scope;
  }

  get(name: string): Value {
    this.#read.add(name);
    return this.#find(name) ?? new Undefined(name);
  }

  set(name: string, value: Value): void {
    const isLate = this.#readInside.has(name) && !this.#read.has(name) && !this.#values.has(name);
    if (isLate && this.#isGiven(name)) throw unsupported(`setting ${name} after a block inside has used it`);
    this.#values.set(name, value);
  }

  #find(name: string): Value | undefined {
    const own = this.#values.get(name);
    return own === undefined && this.#outer !== undefined ? this.#outer.#findForInside(name) : own;
  }

  #findForInside(name: string): Value | undefined {
    this.#readInside.add(name);
    return this.#find(name);
  }

  /** Whether the caller gave the name, and no scope around this one has set it. */
  #isGiven(name: string): boolean {
    if (this.#outer === undefined) return this.#values.has(name);
    return !this.#values.has(name) && this.#outer.#isGiven(name);
  }
}
