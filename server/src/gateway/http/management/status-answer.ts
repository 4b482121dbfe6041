// What /status tells: to anybody on the inference port, with pids, loading progress and reasons on the management port.
import type { ManagementStatus, MaskedReader, ReaderDetails, StatusResponse } from 'takeoff-wire';
import type { ReaderRegistry } from '../../readers/registry.js';
import type { ReaderState } from '../../readers/reader-state.js';
import type { ReaderSupervisor } from '../../readers/supervisor.js';

export function maskedStatus(registry: ReaderRegistry, ports: readonly number[]): StatusResponse {
  const { live, dead } = sorted(registry);
  return { live_readers: byId(live, masked), dead_readers: byId(dead, masked), ports: [...ports] };
}

export function detailedStatus(
  registry: ReaderRegistry,
  config: Readonly<Record<string, unknown>>,
): ManagementStatus {
  const { live, dead, loading } = sorted(registry);
  return {
    config,
    status: {
      live_readers: byId(live, details),
      dead_readers: byId(dead, details),
      loading_readers: byId(loading, details),
    },
  };
}

type ReaderList = readonly ReaderSupervisor[];

function sorted({ supervisors }: ReaderRegistry): Record<'live' | 'dead' | 'loading', ReaderList> {
  const are = (...kinds: ReaderState['kind'][]): ReaderList =>
    supervisors.filter(({ state }) => kinds.includes(state.kind));
  return { live: are('live'), dead: are('dead', 'stopped'), loading: are('starting', 'loading') };
}

const byId = <Shown>(readers: ReaderList, show: (reader: ReaderSupervisor) => Shown): Record<string, Shown> =>
  Object.fromEntries(readers.map((reader) => [reader.readerId, show(reader)]));

const masked = ({
  state,
  modelName,
  device,
  consumerGroup,
  maxBatchSize,
}: ReaderSupervisor): MaskedReader => ({
  model_name: modelName,
  model_type: state.kind === 'live' ? state.card.modelType : '',
  device,
  consumer_groups: [consumerGroup],
  max_batch_size: state.kind === 'live' ? state.card.maxSequences : maxBatchSize,
});

const details = (reader: ReaderSupervisor): ReaderDetails => ({
  ...masked(reader),
  consumer_name: reader.readerId,
  pids: reader.pid === undefined ? [] : [reader.pid],
  detail: describeState(reader.state),
  open_prompts: reader.openPrompts,
});

function describeState(state: ReaderState): string {
  switch (state.kind) {
    case 'starting':
      return 'starting';
    case 'loading':
      return state.fraction === null ? state.stage : `${state.stage}, ${Math.floor(state.fraction * 100)} %`;
    case 'live':
      return 'live';
    case 'dead':
      return `${state.reason} (${state.code})`;
    case 'stopped':
      return 'stopped';
  }
}
