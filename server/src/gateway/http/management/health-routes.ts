// Whether the server can be sent requests, for load balancers and orchestrators: open to all, since they send no key.
// /livez: the process answers, whatever else is missing; starting it again would mend nothing. /healthz: at least one consumer group takes requests. /readyz: every group does, or the one that is asked for. A group that never will
// is told apart from one that is not ready yet, because waiting for it is of no use.
import type { FastifyInstance } from 'fastify';
import { CapacityError, InputError, type TakeoffError } from '../../../errors.js';
import { groupFailed, type GroupView } from '../../answer/consumer-group.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { SERVER_RETRY_AFTER_MS } from '../connection/base-app.js';
import { HEALTHZ, LIVEZ, READYZ } from './management-operations.js';

export const HEALTH_PATHS = ['/livez', '/healthz', '/readyz'] as const;

export interface HealthOptions {
  readonly readers: ReadersView;
  /** Whether a shutdown has begun. */
  readonly isDraining: () => boolean;
}

const OK = { status: 'ok' };

export function addHealthRoutes(app: FastifyInstance, { readers, isDraining }: HealthOptions): void {
  app.get('/livez', { config: { operation: LIVEZ } }, () => OK);
  app.get('/healthz', { config: { operation: HEALTHZ } }, () => {
    const served = servedGroups(readers);
    if (!isDraining() && served.some(({ isReady }) => isReady)) return OK;
    const mayBecomeReady = isDraining() || served.some(({ failure }) => failure === null);
    const failed = mayBecomeReady ? undefined : failureOf(served);
    throw failed ?? notReady('The server is not ready to process requests yet.');
  });
  app.get('/readyz', { config: { operation: READYZ } }, ({ query }) => {
    if (isDraining()) throw notReady('The server is shutting down.');
    const name = askedGroup(query);
    const refusal = name === undefined ? refusalOfAny(readers) : refusalOf(name, readers);
    if (refusal !== undefined) throw refusal;
    return OK;
  });
}

/** @throws InputError when the group is named more than once */
function askedGroup(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('consumer_group' in query)) return undefined;
  const { consumer_group: name } = query;
  if (typeof name === 'string') return name;
  throw new InputError('request.out_of_range', 'consumer_group may be given once in the query of /readyz.');
}

/** A reserved group that nobody serves yet is not what an orchestrator should wait for. */
const servedGroups = (readers: ReadersView): readonly GroupView[] =>
  readers.groups().filter(({ readerCount }) => readerCount > 0);

/** Of the first group that can never be ready. */
function failureOf(groups: readonly GroupView[]): TakeoffError | undefined {
  const [failed] = groups.flatMap(({ name, failure }) =>
    failure === null ? [] : [groupFailed(name, failure)],
  );
  return failed;
}

function refusalOfAny(readers: ReadersView): TakeoffError | undefined {
  const served = servedGroups(readers);
  const failed = failureOf(served);
  if (failed !== undefined) return failed;
  const absent = served.filter(({ isReady }) => !isReady).map(({ name }) => JSON.stringify(name));
  if (served.length > 0 && absent.length === 0) return undefined;
  return notReady(
    served.length === 0
      ? 'The server has no readers.'
      : `No reader is live in these consumer groups: ${absent.join(', ')}. /status shows how far they are.`,
  );
}

function refusalOf(name: string, readers: ReadersView): TakeoffError | undefined {
  const group = readers.groups().find((known) => known.name === name);
  if (group?.isReady === true) return undefined;
  if (group?.failure != null) return groupFailed(name, group.failure);
  return new CapacityError(
    'group.unavailable',
    group === undefined
      ? `No reader serves the consumer group of that name. /status lists the groups of this server.`
      : `No reader of consumer group ${JSON.stringify(name)} is live. /status shows how far it is.`,
    SERVER_RETRY_AFTER_MS,
  );
}

const notReady = (message: string): CapacityError =>
  new CapacityError('server.not_ready', message, SERVER_RETRY_AFTER_MS);
