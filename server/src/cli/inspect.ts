// `takeoff inspect`: what a model is, what it needs, and everything that keeps it from being served, as aligned lines or JSON.
// Reads headers and small files only; needs no native library.
import { inspectSource } from '../checkpoint/inspect/inspect-source.js';
import type { Inspection } from '../checkpoint/inspect/inspection.js';
import { CheckpointError } from '../errors.js';
import type { ModelDescription } from '../model/description.js';
import { serveTemplate } from '../reader/load/served-template.js';
import { EventLines } from './event-lines.js';
import { describeInspection } from './inspection-lines.js';
import { openHub, type HubSettings } from './open-hub.js';
import type { Terminal } from './terminal.js';

export interface InspectCommand {
  /** A path, or a name of the model hub. */
  readonly source: string;
  /** Which of several mmproj files beside a GGUF model. */
  readonly projectorFile: string | null;
  /** The base of a LoRA checkpoint. */
  readonly modelBase: string | null;
  readonly hub: HubSettings;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/** @throws CheckpointError after printing, when the model cannot be served; HubError, ConfigError */
export async function inspect(command: InspectCommand, terminal: Terminal): Promise<void> {
  const lines = new EventLines(terminal);
  const hub = openHub(command.hub, command.signal, lines.show);
  const inspection = await look(hub, command).finally(() => lines.clear());
  terminal.out(command.isJson ? `${JSON.stringify(inspection, null, 2)}\n` : describeInspection(inspection));
  if (inspection.problems.length > 0) throw notServable(inspection);
}

async function look(
  hub: ReturnType<typeof openHub>,
  { source, projectorFile, modelBase }: InspectCommand,
): Promise<Inspection> {
  const path = await hub.resolveSource(source);
  const { locateTower, locateBase } = hub;
  const options = { locateTower, locateBase, warnOf: templateWarnings, projectorFile, modelBase };
  return { ...(await inspectSource(path, options)), source };
}

/** A chat template is tried as a reader would try it. */
function templateWarnings(description: ModelDescription): string[] {
  const { warning } = serveTemplate(null, description);
  return warning === null ? [] : [warning];
}

function notServable({ source, problems }: Inspection): CheckpointError {
  const count = problems.length === 1 ? 'a problem was' : `${problems.length} problems were`;
  return new CheckpointError(
    'checkpoint.unsupported',
    `${source} cannot be served: ${count} found, listed above.`,
  );
}
