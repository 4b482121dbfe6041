// The constraints of a reader: from what a request says to matchers of its answers. Grammars are tried in a thread of their own
// (trial-thread.ts) and compiled here only when they passed, which takes the milliseconds that the trial took. What was compiled is
// kept, least recently used goes first; running answers hold clones. Starts with the first constraint: most readers never see one.
import { createHash } from 'node:crypto';
import type { InputError } from '../../errors.js';
import type { CallableFunction, Constraint } from '../../link/requests/messages.js';
import type { TokenizerSettings } from '../../model/description.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import { AnswerConstraint } from './answer-constraint.js';
import { rewriteFunctionCall, rewriteSchema, type DescribedFunction } from './json-schema.js';
import { Llguidance, type InstanceImage } from './llguidance.js';
import { Refused, type Matcher } from './matcher.js';
import { patternOfChoices, translatePattern } from './pattern.js';
import { firstLines, tooCostly, unsupported } from './refusal.js';
import type { TrialQuestion } from './trial-messages.js';
import { TrialThread, type TrialOutcome } from './trial-thread.js';
import { readVocabulary } from './vocabulary.js';
import { Trapped } from './wasm-heap.js';

/** Programs have a handful of schemas; each takes some hundred kilobytes. */
const MAX_KEPT = 64;
/** Refusals are remembered for a while, so that what exploded once does not take its second again at once. */
const REFUSAL_MS = 60_000;
const MAX_REMEMBERED_REFUSALS = 256;
/** Above this the memory, which never shrinks, is given up as soon as no answer uses it. */
const MAX_IDLE_MEMORY_BYTES = 256 * 2 ** 20;

/** A constraint that can be enforced. */
export interface CompiledConstraint {
  /** Of the request, for refusals. */
  readonly field: string;
  /** That the request waited for it; next to nothing where it had been compiled before. */
  readonly compileMs: number;
  /**
   * The state of one answer at its beginning; the caller closes it.
   * @throws InputError request.constraint_too_large
   */
  start(): AnswerConstraint;
}

interface Program {
  readonly kind: 'program';
  readonly question: TrialQuestion;
  matcher: Matcher | undefined;
}

/** Said to each request in the words of its own fields. */
type Refusal = Exclude<TrialOutcome, { readonly kind: 'compiled' }>;

interface RememberedRefusal {
  readonly refusal: Refusal;
  /** On the clock of performance.now. */
  readonly untilMs: number;
}

interface Running {
  readonly trials: TrialThread;
  readonly image: InstanceImage;
}

export class Constraints {
  readonly #tokenizer: Tokenizer;
  readonly #timeoutMs: number;
  readonly #programs = new Map<string, Program>();
  readonly #refusals = new Map<string, RememberedRefusal>();
  readonly #compiling = new Map<string, Promise<Program | Refusal>>();
  #running: Promise<Running> | undefined;
  #instance: Llguidance | undefined;
  #openAnswers = 0;

  /** @param timeoutMs that a grammar may take to compile */
  constructor(tokenizer: Tokenizer, timeoutMs: number) {
    this.#tokenizer = tokenizer;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @throws InputError request.constraint_unsupported, request.constraint_too_large
   * @throws NativeError when llguidance cannot start
   */
  async compile(constraint: Constraint): Promise<CompiledConstraint> {
    const startMs = performance.now();
    const question = questionOf(constraint);
    const { image } = await this.#start();
    const key = createHash('sha256').update(`${question.kind}\n${question.grammar}`).digest('hex');
    const found = this.#remembered(key) ?? (await this.#compileOnce(key, question));
    const { field } = constraint;
    if (found.kind !== 'program') throw this.#refused(field, found);
    const compileMs = performance.now() - startMs;
    return { field, compileMs, start: () => this.#startAnswer(field, found, image) };
  }

  async close(): Promise<void> {
    for (const { matcher } of this.#programs.values()) matcher?.close();
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
    return { trials, image: await trials.image() };
  }

  #remembered(key: string): Program | Refusal | undefined {
    const remembered = this.#refusals.get(key);
    if (remembered !== undefined && performance.now() < remembered.untilMs) return remembered.refusal;
    const program = this.#programs.get(key);
    if (program === undefined) return undefined;
    this.#programs.delete(key);
    this.#programs.set(key, program);
    return program;
  }

  #compileOnce(key: string, question: TrialQuestion): Promise<Program | Refusal> {
    const started = this.#compiling.get(key);
    if (started !== undefined) return started;
    const compiling = this.#tryOut(key, question).finally(() => this.#compiling.delete(key));
    this.#compiling.set(key, compiling);
    return compiling;
  }

  async #tryOut(key: string, question: TrialQuestion): Promise<Program | Refusal> {
    const { trials } = await this.#start();
    const outcome = await trials.tryOut(question);
    if (outcome.kind !== 'compiled') {
      this.#refusals.set(key, { refusal: outcome, untilMs: performance.now() + REFUSAL_MS });
      dropOldest(this.#refusals, MAX_REMEMBERED_REFUSALS);
      return outcome;
    }
    const program: Program = { kind: 'program', question, matcher: undefined };
    this.#programs.set(key, program);
    dropOldest(this.#programs, MAX_KEPT)?.matcher?.close();
    return program;
  }

  #refused(field: string, { kind, why }: Refusal): InputError {
    return kind === 'refused'
      ? unsupported(field, `cannot be enforced: ${firstLines(why)}`)
      : tooCostly(field, why, this.#timeoutMs);
  }

  #startAnswer(field: string, program: Program, image: InstanceImage): AnswerConstraint {
    try {
      this.#renewInstance();
      this.#instance ??= Llguidance.fromImage(image);
      program.matcher ??= this.#instance.compile(program.question.kind, program.question.grammar);
      const matcher = program.matcher.clone();
      this.#openAnswers += 1;
      return new AnswerConstraint(matcher, this.#settings, () => {
        this.#openAnswers -= 1;
      });
    } catch (error) {
      if (error instanceof Refused || error instanceof Trapped)
        throw tooCostly(field, error.message, this.#timeoutMs);
      throw error;
    }
  }

  /** Gives the instance up when it has trapped, or when it is large and nobody uses it. */
  #renewInstance(): void {
    const instance = this.#instance;
    if (instance === undefined) return;
    const isLarge = instance.memoryBytes > MAX_IDLE_MEMORY_BYTES && this.#openAnswers === 0;
    if (!instance.hasTrapped && !isLarge) return;
    this.#instance = undefined;
    for (const program of this.#programs.values()) program.matcher = undefined;
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
