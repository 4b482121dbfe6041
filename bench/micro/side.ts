// One side of a comparison: a process that does one piece of work when it is asked to. A process has one native runtime, so llama.cpp's
// kernels, another build of llama.cpp and ours are three. Between its turns a side is stopped where the system can do that, because
// ggml's threads go on spinning for a while after each graph, on the cores that the other side is measured on.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const CAN_STOP = process.platform !== 'win32';

/** Children that are stopped do not notice that this process ends, so it takes them along. */
const children = new Set<ChildProcess>();
const killChildren = (): void => {
  for (const child of children) child.kill('SIGKILL');
};
let isGuarded = false;
function guard(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (isGuarded) return;
  isGuarded = true;
  process.once('exit', killChildren);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
}

export class Side<Work extends object, Answer> {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @returns the side, and what it says when it is ready */
  static async start<Work extends object, Answer>(program: string, options: object, threads: number) {
    // The processor's limits are measured on libuv's threads, of which there are four by default.
    const env = { ...process.env, UV_THREADPOOL_SIZE: String(Math.max(4, threads)) };
    const child = fork(program, [JSON.stringify(options)], { env });
    guard(child);
    const side = new Side<Work, Answer>(child);
    const ready = await side.#answer();
    side.#pause();
    return { side, ready };
  }

  async perform(work: Work): Promise<Answer> {
    this.#child.send(work);
    if (CAN_STOP) this.#child.kill('SIGCONT');
    const answer = await this.#answer();
    this.#pause();
    return answer;
  }

  stop(): void {
    // Anything else would wait until the process goes on.
    this.#child.kill('SIGKILL');
  }

  #pause(): void {
    if (CAN_STOP) this.#child.kill('SIGSTOP');
  }

  /** @throws when the child ends instead */
  async #answer(): Promise<Answer> {
    const waiting = new AbortController();
    const ended = once(this.#child, 'exit', waiting).then(() => {
      throw new TypeError('One side of the comparison ended; what it wrote is above.');
    });
    try {
      const [message] = (await Promise.race([once(this.#child, 'message', waiting), ended])) as [Answer];
      return message;
    } finally {
      ended.catch(() => undefined);
      waiting.abort();
    }
  }
}

/** What a piece of work took, in milliseconds. */
export interface Times {
  /** Of all threads, user and system. */
  readonly cpuMs: number;
  /** On the clock. */
  readonly wallMs: number;
}

export async function timesOf(work: () => Promise<void>): Promise<Times> {
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - start };
}
