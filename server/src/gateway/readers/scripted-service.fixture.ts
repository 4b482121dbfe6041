// For tests only: a reader service over scripted readers.
import { NO_SECRETS } from '../../link/secrets.js';
import type { StallLimits } from '../stall-limits.js';
import { ReaderService } from './reader-service.js';
import type { ReaderState } from './reader-state.js';
import { PATIENT, START, type ScriptedReaders } from './scripted-reader.fixture.js';

export interface ScriptedMember {
  readonly readers: ScriptedReaders;
  readonly group?: string;
}

export interface ScriptedServiceOptions {
  readonly reservedGroups?: readonly string[];
  readonly limits?: StallLimits;
}

export interface ScriptedService {
  readonly service: ReaderService;
  /** Every change of state, such as `reader1 live`. */
  readonly states: { readonly readerId: string; readonly state: ReaderState }[];
  readonly logged: string[];
}

/** Readers `reader1`, `reader2` and so on, of the group `primary` unless they name another, started. */
export function scriptedService(
  members: readonly ScriptedMember[],
  { reservedGroups = [], limits = PATIENT }: ScriptedServiceOptions = {},
): ScriptedService {
  const states: ScriptedService['states'] = [];
  const logged: string[] = [];
  const launches = new Map(members.map(({ readers }, index) => [`reader${index + 1}`, readers.launch]));
  const service = new ReaderService({
    launch: (start, secrets, onOutput) => {
      const launch = launches.get(start.readerId);
      if (launch === undefined) throw new TypeError(`no scripted reader is called ${start.readerId}`);
      return launch(start, secrets, onOutput);
    },
    limits,
    reservedGroups,
    random: () => 0,
    onLog: (readerId, level, message) => logged.push(`${readerId} ${level}: ${message}`),
    onState: (readerId, state) => states.push({ readerId, state }),
  });
  members.forEach(({ group = 'primary' }, index) =>
    service.add({
      consumerGroup: group,
      start: { ...START, readerId: `reader${index + 1}` },
      secrets: NO_SECRETS,
    }),
  );
  return { service, states, logged };
}

/** Whether a reader of the group takes requests at this moment. */
export const isReady = (service: ReaderService, name = 'primary'): boolean =>
  service.groups().some((group) => group.name === name && group.isReady);
