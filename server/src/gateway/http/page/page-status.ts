// What GET /page/status tells the page of the readers: enough to say what a person waits for, and nothing that /status keeps for
// the management port.
import type { PageLimits, PageReader, PageStatus } from 'takeoff-wire';
import { keptRows, layoutImage } from '../../../image/geometry.js';
import type { ReaderCard } from '../../../link/lifecycle/messages.js';
import type { ReadersView, ReaderView } from '../../readers/readers-view.js';

export const pageStatus = (readers: ReadersView, version: string, limits: PageLimits): PageStatus => ({
  version,
  limits,
  readers: readers.readers().map(pageReader),
});

function pageReader(reader: ReaderView): PageReader {
  const { state } = reader;
  const card = state.kind === 'live' || state.kind === 'draining' ? state.card : null;
  return {
    reader_id: reader.readerId,
    consumer_groups: [...reader.consumerGroups],
    model_name: shownModelName(reader.modelName),
    state: state.kind,
    ...progressOf(state),
    open_prompts: reader.openPrompts,
    max_batch_size: card?.maxSequences ?? reader.maxBatchSize,
    takes_images: card === null ? null : card.vision !== null,
    image_tokens: card === null ? null : fixedImageTokens(card),
    ...(card === null ? {} : { loras: [...card.loras] }),
  };
}

function progressOf(state: ReaderView['state']): Pick<PageReader, 'stage' | 'fraction' | 'failure'> {
  if (state.kind === 'dead') return { failure: { code: state.code, restarts: state.restartInMs !== null } };
  if (state.kind !== 'loading') return {};
  // What stands in brackets is a path, for the operator.
  const stage = state.stage.replace(/ \(.*\)$/u, '');
  return state.fraction === null ? { stage } : { stage, fraction: state.fraction };
}

/** Of a folder its last two names: enough to know the model by. */
const shownModelName = (modelName: string): string =>
  /^(?:[/\\.~]|[a-z]:)/iu.test(modelName) ? modelName.split(/[/\\]/u).slice(-2).join('/') : modelName;

/** Tiles of an image follow its shape only where the model cuts images into several. */
function fixedImageTokens({
  vision,
  imageTokenBudget,
}: Pick<ReaderCard, 'vision' | 'imageTokenBudget'>): number | null {
  if (vision === null || vision.aspect === 'anyres' || vision.aspect === 'whole') return null;
  const layout = layoutImage(1, 1, vision);
  const kept = imageTokenBudget === 'full' ? null : keptRows(layout, imageTokenBudget);
  return kept ?? layout.imageTokens;
}
