// For vitest, with the variable OVER_REDIS: every server that a test starts is a gateway then whose two readers are processes of their own
// with the same settings, joined by a Redis, and the test is one of many machines. `OVER_REDIS=tls`: an encrypted Redis, and the rights
// of docs/cluster.md.
import { beforeEach } from 'vitest';
import { Cluster } from './cluster.js';
import { whyOneMachine } from './one-machine.js';
import { RunningServer, type StartOptions } from './running-server.js';

/** Threads of two readers on few cores would wait for each other by spinning. */
const ONE_THREAD = ['--threads', '1'];
/** All that tests name. */
const GROUPS = ['primary', 'late'];

const guard = process.env['OVER_REDIS'] === 'tls' ? { guardedGroups: GROUPS } : {};

RunningServer.startBy(async (options) => {
  const { args = [], env = {}, ...where } = options;
  const cluster = await Cluster.start(
    { gateways: 0, readers: 2, ...guard },
    { args: [...ONE_THREAD, ...args], env },
  );
  const gateway = await cluster.addGateway({ waitsForReader: true, ...where } satisfies StartOptions);
  // Ended by its test.
  cluster.gateways.splice(0);
  gateway.stopOthers = () => cluster.stop();
  return gateway;
});

beforeEach(({ task, skip }) => {
  const why = whyOneMachine(task.file.name, task.name);
  if (why !== undefined) skip(why);
});
