// From what a reader is started with to one that serves: a model of this machine, or a cluster that has one.
import type { ReaderStart } from '../link/lifecycle/messages.js';
import type { FromReader } from '../link/messages.js';
import type { ReaderSecrets } from '../link/secrets.js';
import { loadModel } from './load/load-model.js';
import { serveModel, type ReaderServing } from './serve.js';

/** Resolves when the reader takes requests. @throws what keeps its model from being loaded, ClusterError */
export async function openReader(
  start: ReaderStart,
  secrets: ReaderSecrets,
  send: (message: FromReader) => void,
): Promise<ReaderServing> {
  const { api, echo } = start;
  if (api === null || echo) return serveModel({ start, model: await loadModel(start, secrets, send), send });
  const { serveCluster } = await import('./api/serve-cluster.js');
  return serveCluster({ start, target: api, apiKey: secrets.apiKey, send });
}
