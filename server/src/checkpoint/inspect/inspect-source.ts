// Looks at whatever a path names and says what it is and whether it can be served.
import { locateSource } from '../cache/locate-source.js';
import { Findings } from './findings.js';
import { inspectCheckpoint } from './inspect-checkpoint.js';
import type { InspectOptions } from './inspect-options.js';
import { inspectPair } from './inspect-pair.js';
import { NOTHING_KNOWN, type Inspection } from './inspection.js';

/** Problems of the model are part of the answer; what is thrown is cancellation or a defect. */
export async function inspectSource(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const findings = new Findings();
  const source = await findings.attempt(() => locateSource(path, options));
  if (source === undefined)
    return { source: path, ...NOTHING_KNOWN, warnings: [], problems: findings.problems };
  return source.kind === 'pair' ? inspectPair(source, options) : inspectCheckpoint(source.folder, options);
}
