// The conversation on the page: one image, the questions about it, what is being typed. State in one place; views read it.
import { computed, signal } from '@preact/signals';
import { chooseImage, prepareImage, type ChosenImage, type PreparedImage } from '../image/chosen-image.js';
import type { CropBox } from '../image/crop-box.js';
import { addressee, group, status } from '../server/server.js';
import { requestsAhead } from '../server/reader-summary.js';
import { requestOptions } from '../settings/request-options.js';
import { settings } from '../settings/settings.js';
import { drawAfterThisTask } from './draw-later.js';
import { randomId } from './random-id.js';
import { runQuestion } from './run-question.js';
import { isOpen, type Question, type SentImage, type Turn, type TurnState } from './turn.js';

export const image = signal<ChosenImage | null>(null);
export const cropBox = signal<CropBox | null>(null);
export const turns = signal<readonly Turn[]>([]);
export const draft = signal('');
/** Why the last question was not sent; empty where nothing is wrong. */
export const refusal = signal('');
/** Under which this browser keeps it; a new one for each conversation. */
export const conversationId = signal<string>(randomId());

export const isAnswering = computed(() => turns.value.some(({ state }) => isOpen(state.value)));

const controllers = new Map<string, AbortController>();

/** Of the image that was chosen last, which is looked at before it is on the page: a question asked meanwhile is about it. Never fails. */
let arrival = Promise.resolve();

/** Another image begins another conversation, unless answers about the last one are still being written. */
export function takeImage(file: Blob, name: string): Promise<void> {
  const taken = arrival.then(() => putOnPage(file, name));
  arrival = taken.catch(() => undefined);
  return taken;
}

async function putOnPage(file: Blob, name: string): Promise<void> {
  const chosen = await chooseImage(file, name);
  if (image.value !== null && !isAnswering.value) leaveConversation();
  removeImage();
  image.value = chosen;
}

export function removeImage(): void {
  if (image.value !== null) URL.revokeObjectURL(image.value.url);
  image.value = null;
  cropBox.value = null;
  refusal.value = '';
}

/** Asks about the image on the page, with the settings as they are. */
export async function ask(text: string): Promise<void> {
  const question = text.trim();
  if (question === '') return;
  drawAfterThisTask();
  refusal.value = '';
  const prepared = await sentImage();
  if (prepared.kind === 'refused') {
    refusal.value = prepared.reason;
    return;
  }
  const options = requestOptions(settings.value, addressee.value);
  askQuestion({ text: question, options, image: prepared.image });
}

type Sent =
  | { readonly kind: 'ready'; readonly image: SentImage | null }
  | { readonly kind: 'refused'; readonly reason: string };

/** The image on the page as it would be sent now. */
export async function sentImage(): Promise<Sent> {
  await arrival;
  const chosen = image.value;
  if (chosen === null) return { kind: 'ready', image: null };
  const { keepsOriginals } = settings.value;
  const prepared = await prepareImage(chosen, {
    box: cropBox.value,
    keepsOriginal: keepsOriginals,
    limits: status.value?.limits ?? null,
  });
  if (prepared.kind === 'refused') return prepared;
  const { blob, bytes } = prepared;
  return { kind: 'ready', image: { blob, bytes, name: sentName(chosen.name, prepared) } };
}

/** A redrawn image is another file than the one that was chosen. */
function sentName(name: string, { plan, blob }: PreparedImage): string {
  if (plan.kind === 'asItIs') return name;
  return `${name.replace(/\.[^.]*$/u, '')}-as-sent.${blob.type === 'image/png' ? 'png' : 'jpg'}`;
}

/** Asks a question as it is: the same image bytes, the same settings. */
export function askQuestion(question: Question): void {
  const turn: Turn = {
    id: randomId(),
    question,
    state: signal<TurnState>({ kind: 'sending', fraction: 0 }),
    answer: signal(''),
  };
  turns.value = [...turns.value, turn];
  void answerTurn(turn);
}

/** Asks the question of a turn again, in its place. */
export function askAgain(turn: Turn): void {
  drawAfterThisTask();
  stop(turn);
  turn.answer.value = '';
  void answerTurn(turn);
}

export const stop = ({ id }: Turn): void => controllers.get(id)?.abort();
export const stopAll = (): void => controllers.forEach((controller) => controller.abort());

export function removeTurn(turn: Turn): void {
  stop(turn);
  turns.value = turns.value.filter((other) => other !== turn);
}

export function startConversation(): void {
  stopAll();
  leaveConversation();
  removeImage();
  draft.value = '';
}

function leaveConversation(): void {
  turns.value = [];
  conversationId.value = randomId();
}

/** What a question waits for at this moment, as far as the latest status tells. */
export function expectedWait(options: Question['options']): TurnState {
  const ahead = requestsAhead(status.value?.readers ?? [], options.consumerGroup ?? group.value);
  return ahead === 0 ? { kind: 'reading' } : { kind: 'waiting', ahead };
}

async function answerTurn(turn: Turn): Promise<void> {
  const controller = new AbortController();
  controllers.set(turn.id, controller);
  const isCurrent = (): boolean => controllers.get(turn.id) === controller;
  await runQuestion(turn.question, controller.signal, {
    // An earlier attempt at this turn may still be ending when the next one has begun.
    onState: (state) => {
      if (isCurrent()) turn.state.value = state;
    },
    onText: (text) => {
      if (isCurrent()) turn.answer.value += text;
    },
    waitsFor: () => expectedWait(turn.question.options),
  });
  if (isCurrent()) controllers.delete(turn.id);
}
