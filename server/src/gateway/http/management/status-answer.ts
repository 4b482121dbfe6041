// What /status tells: to anybody on the inference port, with pids, loading progress and reasons on the management port.
import type {
  GroupReadiness,
  Heartbeat,
  ManagementStatus,
  MaskedReader,
  ReaderDetails,
  ReaderGroups,
  StatusResponse,
} from 'takeoff-wire';
import type { ReadersView, ReaderView } from '../../readers/readers-view.js';

export function maskedStatus(readers: ReadersView, ports: readonly number[]): StatusResponse {
  const { live, dead } = sorted(readers);
  return {
    live_readers: byId(live, masked),
    dead_readers: byId(dead, masked),
    consumer_groups: readiness(readers),
    ports: [...ports],
  };
}

export function detailedStatus(
  readers: ReadersView,
  config: Readonly<Record<string, unknown>>,
): ManagementStatus {
  const { live, dead, loading } = sorted(readers);
  return {
    config,
    status: {
      live_readers: byId(live, details),
      dead_readers: byId(dead, details),
      loading_readers: byId(loading, details),
      consumer_groups: readiness(readers),
      last_heartbeat: heartbeats(readers),
    },
  };
}

/** A reader is listed below each of its groups; reserved groups without one are empty. */
export const readerGroups = (view: ReadersView): ReaderGroups =>
  Object.fromEntries(
    view.groups().map(({ name }) => [
      name,
      view
        .readers()
        .filter(({ consumerGroups }) => consumerGroups.includes(name))
        .map((reader) => ({ reader_id: reader.readerId, ...details(reader) })),
    ]),
  );

/** Seconds between two signs of life of a reader. */
const HEARTBEAT_INTERVAL_S = 1;

const heartbeats = (view: ReadersView): Record<string, Heartbeat> =>
  Object.fromEntries(
    view.readers().flatMap(({ readerId, lastHeartbeatMs }) => {
      if (lastHeartbeatMs === null) return [];
      const beat = {
        heartbeat_timestamp: lastHeartbeatMs / 1_000,
        heartbeat_wait_interval: HEARTBEAT_INTERVAL_S,
      };
      return [[readerId, beat] as const];
    }),
  );

type ReaderList = readonly ReaderView[];

function sorted(view: ReadersView): Record<'live' | 'dead' | 'loading', ReaderList> {
  const are = (...kinds: ReaderView['state']['kind'][]): ReaderList =>
    view.readers().filter(({ state }) => kinds.includes(state.kind));
  return {
    // One that drains still answers.
    live: are('live', 'draining'),
    dead: are('dead', 'stopped'),
    loading: are('starting', 'loading'),
  };
}

const readiness = (view: ReadersView): Record<string, GroupReadiness> =>
  Object.fromEntries(
    view
      .groups()
      .map(({ name, isReady, failure }) => [
        name,
        { ready: isReady, ...(failure === null ? {} : { failure }) },
      ]),
  );

const byId = <Shown>(readers: ReaderList, show: (reader: ReaderView) => Shown): Record<string, Shown> =>
  Object.fromEntries(readers.map((reader) => [reader.readerId, show(reader)]));

const masked = ({
  state,
  modelName,
  device,
  consumerGroups,
  maxBatchSize,
  loras,
}: ReaderView): MaskedReader => ({
  model_name: modelName,
  model_type: cardOf(state)?.modelType ?? '',
  device,
  consumer_groups: [...consumerGroups],
  max_batch_size: maxBatchSize,
  ...(cardOf(state) === undefined ? {} : { loras: [...loras] }),
  ...(state.kind === 'dead' ? { failure: { code: state.code, restarts: state.restartInMs !== null } } : {}),
});

const cardOf = (state: ReaderView['state']) =>
  state.kind === 'live' || state.kind === 'draining' ? state.card : undefined;

const details = (reader: ReaderView): ReaderDetails => ({
  ...masked(reader),
  consumer_name: reader.readerId,
  pids: reader.pid === undefined ? [] : [reader.pid],
  detail: describeState(reader.state),
  device_reason: cardOf(reader.state)?.deviceReason ?? '',
  ...(reader.state.kind === 'loading' ? { progress: reader.state.fraction } : {}),
  restarts: reader.restarts,
  open_prompts: reader.openPrompts,
});

function describeState(state: ReaderView['state']): string {
  switch (state.kind) {
    case 'starting':
      return 'starting';
    case 'loading':
      return state.fraction === null ? state.stage : `${state.stage}, ${Math.floor(state.fraction * 100)} %`;
    case 'live':
      return 'live';
    case 'draining':
      return 'draining: finishes its requests and takes no new ones';
    case 'dead':
      return `${state.reason} (${state.code}${state.restartInMs === null ? '; it is not started again' : ''})`;
    case 'stopped':
      return 'stopped';
  }
}
