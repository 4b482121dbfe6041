// What the image will cost in tokens: from the status where any image costs the same, else from POST /count, which servers have or
// have not. Asked once for each image, part of it and bound that is typed.
import { computed, effect, signal } from '@preact/signals';
import type { RequestFields } from 'takeoff-client';
import { cropBox, image } from '../ask/conversation.js';
import { prepareImage } from '../image/chosen-image.js';
import { requestOptions } from '../settings/request-options.js';
import { settings } from '../settings/settings.js';
import { parseCount, type Count } from './parse-count.js';
import { imageTokensOf } from './reader-summary.js';
import { askServer, group, status } from './server.js';

export interface ImageCost {
  /** Null: not known. */
  readonly tokens: number | null;
  readonly fits: boolean;
}

const counted = signal<Count | null>(null);
/** Undefined until it was tried. */
let hasCount: boolean | undefined;
/** As the settings have it, and nothing else of them. */
const budget = computed(() => requestOptions(settings.value, { group: '', lora: '' }).imageTokenBudget);
/** While a box is drawn, nothing is asked. */
const REST_MS = 400;

export const imageCost = computed<ImageCost>(() => ({
  tokens: counted.value?.imageTokens ?? imageTokensOf(status.value?.readers ?? [], group.value),
  fits: counted.value?.fits ?? true,
}));

export function followImageCost(): void {
  effect(() => {
    const [chosen, box, name, imageTokenBudget] = [image.value, cropBox.value, group.value, budget.value];
    counted.value = null;
    const isKnown =
      imageTokenBudget === undefined && imageTokensOf(status.peek()?.readers ?? [], name) !== null;
    if (chosen === null || hasCount === false || isKnown) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => void count(controller.signal), REST_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
    async function count(abort: AbortSignal): Promise<void> {
      if (chosen === null) return;
      const keepsOriginal = settings.peek().keepsOriginals;
      const prepared = await prepareImage(chosen, { box, keepsOriginal, limits: null });
      if (prepared.kind === 'ready' && !abort.aborted)
        counted.value = await countOf(prepared.blob, { consumerGroup: name, imageTokenBudget }, abort);
    }
  });
}

/** Null where the server does not count. */
async function countOf(
  blob: Blob,
  { consumerGroup, imageTokenBudget }: Pick<RequestFields, 'consumerGroup' | 'imageTokenBudget'>,
  abort: AbortSignal,
): Promise<Count | null> {
  const asked = { consumer_group: consumerGroup, image_token_budget: imageTokenBudget };
  const form = new FormData();
  form.set('json_data', JSON.stringify({ text: '', use_chat_template: true, ...asked }));
  form.set('image_data', blob, 'image');
  try {
    const answer = await askServer('/count', form, abort);
    if (answer.status === 404) hasCount = false;
    return answer.status === 200 ? parseCount(answer.body) : null;
  } catch {
    return null; // Aborted, or the server is away: the cost is not known, and the answer will tell it.
  }
}
