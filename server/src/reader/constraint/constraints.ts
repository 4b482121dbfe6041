// The constraints of a reader: from what a request says to matchers of its answers. Grammars are tried in a thread of their own
// (trial-thread.ts); those that passed in no time are compiled again here (small-constraints.ts), others are taken over from there
// (large-constraints.ts), so that no compilation stops running streams. What was compiled is kept, least recently used goes first;
// running answers hold clones. Starts with the first constraint: most readers never see one.
import { createHash } from 'node:crypto';
import type { InputError } from '../../errors.js';
import type { CallableFunction, Constraint } from '../../link/requests/messages.js';
import type { TokenizerSettings } from '../../model/description.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import { AnswerConstraint } from './answer-constraint.js';
import { rewriteFunctionCall, rewriteSchema, type DescribedFunction } from './json-schema.js';
import { LargeConstraints } from './large-constraints.js';
import { patternOfChoices, translatePattern } from './pattern.js';
import type { Program } from './program.js';
import { firstLines, tooCostly, unsupported } from './refusal.js';
import { SmallConstraints } from './small-constraints.js';
import type { TrialQuestion } from './trial-messages.js';
import { TrialThread, type TrialOutcome } from './trial-thread.js';
import { readVocabulary } from './vocabulary.js';
import { Trapped } from './wasm-heap.js';

/** Programs have a handful of schemas; each takes some hundred kilobytes. */
const MAX_KEPT = 64;
/** Refusals are remembered for a while, so that what exploded once does not take its second again at once. */
const REFUSAL_MS = 60_000;
const MAX_REMEMBERED_REFUSALS = 256;
/**
 * What one compilation may take of the loop's thread: a few tokens of a small model, less than one of a large. Schemas of 50 fields
 * stay below it; what is above needs one of the few instances of large-constraints.ts.
 */
const MAX_LOOP_MS = 25;

/** A constraint that can be enforced. */
export interface CompiledConstraint {
  /** Of the request, for refusals. */
  readonly field: string;
  /** That the request waited for it; next to nothing where it had been compiled before. */
  readonly compileMs: number;
  /**
   * The state of one answer at its beginning; the caller closes it.
   * @throws InputError request.constraint_too_large
   * @throws CapacityError reader.constraints_busy
   */
  start(): AnswerConstraint;
}

type Found = { readonly kind: 'program'; readonly program: Program } | Refusal;

/** Said to each request in the words of its own fields. */
type Refusal = Extract<TrialOutcome, { readonly kind: 'refused' | 'too-costly' }>;

interface RememberedRefusal {
  readonly refusal: Refusal;
  /** On the clock of performance.now. */
  readonly untilMs: number;
}

interface Running {
  readonly trials: TrialThread;
  readonly small: SmallConstraints;
  readonly large: LargeConstraints;
}

export class Constraints {
  readonly #tokenizer: Tokenizer;
  readonly #timeoutMs: number;
  readonly #maxLoopMs: number;
  readonly #programs = new Map<string, Program>();
  readonly #refusals = new Map<string, RememberedRefusal>();
  readonly #compiling = new Map<string, Promise<Found>>();
  #running: Promise<Running> | undefined;

  /**
   * @param timeoutMs that a grammar may take to compile
   * @param maxLoopMs that it may have taken to be compiled again on this thread
   */
  constructor(tokenizer: Tokenizer, timeoutMs: number, maxLoopMs = MAX_LOOP_MS) {
    this.#tokenizer = tokenizer;
    this.#timeoutMs = timeoutMs;
    this.#maxLoopMs = maxLoopMs;
  }

  /**
   * @throws InputError request.constraint_unsupported, request.constraint_too_large
   * @throws CapacityError reader.constraints_busy
   * @throws NativeError when llguidance cannot start
   */
  async compile(constraint: Constraint): Promise<CompiledConstraint> {
    const startMs = performance.now();
    const question = questionOf(constraint);
    const key = createHash('sha256').update(`${question.kind}\n${question.grammar}`).digest('hex');
    const found = this.#remembered(key) ?? (await this.#compileOnce(key, question));
    const { field } = constraint;
    if (found.kind !== 'program') throw this.#refused(field, found);
    const compileMs = performance.now() - startMs;
    return { field, compileMs, start: () => this.#startAnswer(field, found.program) };
  }

  async close(): Promise<void> {
    for (const program of this.#programs.values()) program.close();
    this.#programs.clear();
    if (this.#running === undefined) return;
    const { trials } = await this.#running;
    await trials.close();
  }

  #start(): Promise<Running> {
    this.#running ??= this.#startThread().catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  async #startThread(): Promise<Running> {
    const trials = new TrialThread(await readVocabulary(this.#tokenizer), this.#timeoutMs);
    const image = await trials.image();
    return { trials, small: new SmallConstraints(image), large: new LargeConstraints(image) };
  }

  #remembered(key: string): Found | undefined {
    const remembered = this.#refusals.get(key);
    if (remembered !== undefined && performance.now() < remembered.untilMs) return remembered.refusal;
    const program = this.#programs.get(key);
    if (program === undefined) return undefined;
    this.#programs.delete(key);
    if (program.isLost) return undefined;
    this.#programs.set(key, program);
    return { kind: 'program', program };
  }

  #compileOnce(key: string, question: TrialQuestion): Promise<Found> {
    const started = this.#compiling.get(key);
    if (started !== undefined) return started;
    const compiling = this.#tryOut(key, question).finally(() => this.#compiling.delete(key));
    this.#compiling.set(key, compiling);
    return compiling;
  }

  async #tryOut(key: string, question: TrialQuestion): Promise<Found> {
    const { trials, small, large } = await this.#start();
    const outcome = await trials.tryOut(question, this.#maxLoopMs);
    if (outcome.kind === 'refused' || outcome.kind === 'too-costly') {
      this.#refusals.set(key, { refusal: outcome, untilMs: performance.now() + REFUSAL_MS });
      dropOldest(this.#refusals, MAX_REMEMBERED_REFUSALS);
      return outcome;
    }
    const program =
      outcome.kind === 'quick' ? await small.compile(question) : await large.take(outcome.compiled);
    this.#programs.set(key, program);
    dropOldest(this.#programs, MAX_KEPT)?.close();
    return { kind: 'program', program };
  }

  #refused(field: string, { kind, why }: Refusal): InputError {
    return kind === 'refused'
      ? unsupported(field, `cannot be enforced: ${firstLines(why)}`)
      : tooCostly(field, why, this.#timeoutMs);
  }

  #startAnswer(field: string, program: Program): AnswerConstraint {
    try {
      const { matcher, onClose } = program.start();
      return new AnswerConstraint(matcher, this.#settings, onClose);
    } catch (error) {
      if (error instanceof Trapped) throw tooCostly(field, error.message, this.#timeoutMs);
      throw error;
    }
  }

  get #settings(): TokenizerSettings {
    return this.#tokenizer.settings;
  }
}

function questionOf(constraint: Constraint): TrialQuestion {
  const { field } = constraint;
  switch (constraint.kind) {
    case 'json_schema':
      return { kind: 'json_schema', grammar: rewriteSchema(JSON.parse(constraint.schema), field) };
    case 'regex':
      return { kind: 'regex', grammar: translatePattern(constraint.pattern, 'takeoff', field) };
    case 'choices':
      return { kind: 'regex', grammar: patternOfChoices(constraint.choices) };
    case 'function_call':
      return { kind: 'json_schema', grammar: rewriteFunctionCall(constraint.functions.map(described)) };
  }
}

const described = ({ name, parameters: { schema, field } }: CallableFunction): DescribedFunction => ({
  name,
  parameters: JSON.parse(schema),
  field,
});

/** Maps keep the order of insertion. */
function dropOldest<Value>(map: Map<string, Value>, most: number): Value | undefined {
  if (map.size <= most) return undefined;
  const [oldest] = map;
  if (oldest === undefined) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}
