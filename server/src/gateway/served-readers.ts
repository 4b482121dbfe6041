// What the gateway needs of its readers, wherever they are, and those that are its own children.
import type { FastifyBaseLogger } from 'fastify';
import type { ConsumerGroups } from './answer/consumer-group.js';
import type { ReaderQuestions } from './answer/reader-questions.js';
import type { GatewayConfig } from './gateway.js';
import { ReaderAdministration, type ReaderControl } from './readers/reader-administration.js';
import { ReaderLogs } from './readers/reader-logs.js';
import type { LaunchReader } from './readers/reader-process.js';
import { ReaderService } from './readers/reader-service.js';
import type { ReaderState } from './readers/reader-state.js';
import type { Demand } from './scaler/scaler-answers.js';
import type { CountedReader, LinkCounts, ReadersView } from './readers/readers-view.js';

export interface ReaderSet extends ConsumerGroups, ReadersView, ReaderQuestions {
  countedReaders(): readonly CountedReader[];
  /** Of groups whose readers are on other machines. */
  links(): readonly LinkCounts[];
  /** Requests that are still open are lost. */
  stop(): Promise<void>;
}

export interface ServedReaders {
  readonly service: ReaderSet;
  readonly control: ReaderControl;
  /** How many requests wait or run, for an autoscaler of readers on other machines; null where there are none. */
  readonly demand: Demand | null;
  /** Starts those that the configuration names. */
  start(): void;
}

export function ownReaders(config: GatewayConfig, launch: LaunchReader): ServedReaders {
  const { readerSettings: parser, readerRecord: record } = config;
  const logs = new ReaderLogs(config.log, config.logForms);
  const service = createReaderService(config, launch, logs);
  const control = new ReaderAdministration({ service, parser, record, logs });
  return {
    service,
    control,
    demand: null,
    start: () => {
      for (const reader of config.readers) control.start(reader);
    },
  };
}

function createReaderService(
  { limits, onReaderState, reservedConsumers }: GatewayConfig,
  launch: LaunchReader,
  logs: ReaderLogs,
): ReaderService {
  return new ReaderService({
    launch,
    limits,
    reservedGroups: reservedConsumers,
    random: Math.random,
    onLog: (readerId, level, message) => logs.of(readerId)[level](message),
    onState: (readerId, state) => {
      logState(logs.of(readerId), state);
      onReaderState?.(readerId, state);
    },
  });
}

function logState(log: FastifyBaseLogger, state: ReaderState): void {
  switch (state.kind) {
    case 'dead':
      log.error(
        { code: state.code, restartInMs: state.restartInMs },
        `reader ${state.restartInMs === null ? 'is dead and is not started again' : 'died'}: ${state.reason}`,
      );
      break;
    case 'live':
      log.info({ modelType: state.card.modelType }, 'reader is live');
      break;
    case 'loading':
      log.debug({ fraction: state.fraction }, state.stage);
      break;
    case 'starting':
    case 'draining':
    case 'stopped':
      log.info(`reader is ${state.kind}`);
  }
}
