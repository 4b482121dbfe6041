// Why a chat template gives no prompt. The message is a clause whose subject is the template ("it uses …"), without a full stop;
// chat-template.ts makes a sentence of it.
import { InputError } from '../../../errors.js';

/**
 * `unsupported`: it needs what is not here, or what would give another result than in Python. `failed`: Python's Jinja would raise an
 * error too. `raised`: the template itself calls raise_exception, and the message is its own. `too_large`: it is over a bound.
 */
export type TemplateFaultKind = 'unsupported' | 'failed' | 'raised' | 'too_large';

export class TemplateFault extends InputError {
  readonly kind: TemplateFaultKind;
  /** Of the template, from 1; null until somebody who knows it says so. */
  readonly line: number | null;

  constructor(kind: TemplateFaultKind, message: string, line: number | null = null, cause?: unknown) {
    super('request.template_failed', message, { cause });
    this.kind = kind;
    this.line = line;
  }

  /** The same fault in this line, unless it knows a narrower place. */
  at(line: number): TemplateFault {
    return this.line === null ? new TemplateFault(this.kind, this.message, line, this.cause) : this;
  }
}

/** `what` is a thing that templates can use: "the filter sort". */
export const unsupported = (what: string, line: number | null = null): TemplateFault =>
  new TemplateFault('unsupported', `it uses ${what}, which is not supported`, line);
/** `why` is a clause: "x is undefined". */
export const failed = (why: string): TemplateFault => new TemplateFault('failed', `it fails: ${why}`);
