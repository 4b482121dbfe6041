// The requests of a group that a reader has begun, by the ids of their runs: whose events count, and what is asked of readers about them.
// A reader whose events have a hole, since Redis has lost some, is asked to tell them again. So is one that says nothing of a run for a
// while: Redis may have lost the last of its events, and no later one would show that something is missing.
import { LEASE_MS } from '../../link/redis/leases.js';
import type { Control, HeardRun } from '../../link/redis/messages.js';
import type { RemoteRequest } from './remote-request.js';

export interface BegunRunsOptions {
  /** Name of this process among gateways. */
  readonly gateway: string;
  /** Tells a reader something, without a promise that it hears it. */
  readonly control: (reader: string, message: Control) => void;
}

/** A reader that does not end a run within this time does not know it. */
const CANCEL_MS = 10_000;
/** An answer that goes on says more within this time, unless its reader is at another one's image. */
const SILENCE_MS = 2_000;
/** What is told again arrives within this time, or the question was lost, too. */
const REST_MS = 1_000;

export class BegunRuns {
  readonly #options: BegunRunsOptions;
  readonly #requests = new Map<string, RemoteRequest>();

  constructor(options: BegunRunsOptions) {
    this.#options = options;
  }

  get all(): readonly RemoteRequest[] {
    return [...this.#requests.values()];
  }

  /** All that a reader has begun. */
  of(reader: string): readonly RemoteRequest[] {
    return this.all.filter(({ stage }) => stage.kind === 'begun' && stage.reader === reader);
  }

  /** Undefined for a run that is not this reader's. */
  find(run: string, reader: string): RemoteRequest | undefined {
    const request = this.#requests.get(run);
    return request?.stage.kind === 'begun' && request.stage.reader === reader ? request : undefined;
  }

  begin(request: RemoteRequest, run: string, reader: string): void {
    request.begin(run, reader);
    this.#requests.set(run, request);
  }

  forget({ run }: RemoteRequest): void {
    if (run !== null) this.#requests.delete(run);
  }

  /** Readers without a lease that have been silent for as long as one lasts: they ended before this gateway saw it, or never were. */
  strangers(isKnown: (reader: string) => boolean): readonly string[] {
    const nowMs = performance.now();
    const silent = this.all.flatMap(({ stage, heardMs }) =>
      stage.kind === 'begun' && !isKnown(stage.reader) && nowMs - heardMs >= LEASE_MS ? [stage.reader] : [],
    );
    return [...new Set(silent)];
  }

  /** Asks for the events that are missing, unless that was done a moment ago. @returns whether it has asked */
  askForRest(request: RemoteRequest): boolean {
    const { gateway, control } = this.#options;
    const { stage, restAskedMs } = request;
    const nowMs = performance.now();
    if (stage.kind !== 'begun' || nowMs - restAskedMs < REST_MS) return false;
    request.restAskedMs = nowMs;
    control(stage.reader, {
      kind: 'check-runs',
      gateway,
      runs: [{ run: stage.run, heard: request.heardCount }],
    });
    return true;
  }

  /** To be called once a second. @returns those that were cancelled so long ago that their readers do not know them */
  look(): readonly RemoteRequest[] {
    const { gateway, control } = this.#options;
    const nowMs = performance.now();
    const silent = new Map<string, HeardRun[]>();
    const unknown: RemoteRequest[] = [];
    for (const request of this.#requests.values()) {
      const { stage, cancelledMs, heardMs, heardCount: heard } = request;
      if (stage.kind !== 'begun') continue;
      const { run, reader } = stage;
      if (cancelledMs !== null && nowMs - cancelledMs >= CANCEL_MS) unknown.push(request);
      else if (cancelledMs !== null) control(reader, { kind: 'cancel-run', run });
      else if (nowMs - heardMs >= SILENCE_MS)
        silent.set(reader, [...(silent.get(reader) ?? []), { run, heard }]);
    }
    for (const [reader, runs] of silent) control(reader, { kind: 'check-runs', gateway, runs });
    return unknown;
  }
}
