// For tests only: a reader service over scripted readers.
import { NO_SECRETS } from '../../link/secrets.js';
import type { StallLimits } from '../stall-limits.js';
import type { LaunchReader } from './reader-process.js';
import type { ReaderSettingsParser } from './reader-administration.js';
import { ReaderService } from './reader-service.js';
import type { ReaderState } from './reader-state.js';
import { PATIENT, START, type ScriptedReaders } from './scripted-reader.fixture.js';

export interface ScriptedMember {
  readonly readers: ScriptedReaders;
  readonly group?: string;
  /** Instead of `group`. */
  readonly groups?: readonly string[];
  readonly buffersRequests?: boolean;
}

export interface ScriptedServiceOptions {
  readonly reservedGroups?: readonly string[];
  readonly limits?: StallLimits;
}

export interface ScriptedService {
  readonly service: ReaderService;
  /** Every change of state, in order. */
  readonly states: { readonly readerId: string; readonly state: ReaderState }[];
  readonly logged: string[];
  /** Adds a reader as a server does at its start, and at any other time. */
  readonly add: (readerId: string, member: ScriptedMember) => void;
}

/** Readers `reader1`, `reader2` and so on, of the group `primary` unless they name another, started. */
export function scriptedService(
  members: readonly ScriptedMember[],
  { reservedGroups = [], limits = PATIENT }: ScriptedServiceOptions = {},
): ScriptedService {
  const states: ScriptedService['states'] = [];
  const logged: string[] = [];
  const launches = new Map<string, LaunchReader>();
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
  const add: ScriptedService['add'] = (
    readerId,
    { readers, group = 'primary', groups = [group], buffersRequests = true },
  ) => {
    launches.set(readerId, readers.launch);
    service.add({
      consumerGroups: groups,
      start: { ...START, readerId },
      secrets: NO_SECRETS,
      buffersRequests,
    });
  };
  members.forEach((member, index) => add(`reader${index + 1}`, member));
  return { service, states, logged, add };
}

/** For tests in which no reader is added by its settings. */
export const NO_SETTINGS: ReaderSettingsParser = {
  reader: () => {
    throw new TypeError('no reader is added in this test');
  },
  changes: () => ({}),
};

/** Whether a reader of the group takes requests at this moment. */
export const isReady = (service: ReaderService, name = 'primary'): boolean =>
  service.groups().some((group) => group.name === name && group.isReady);
