// The conversation templates of LLaVA checkpoints, rendered to pieces. Follows haotian-liu/LLaVA c121f043,
// llava/conversation.py (get_prompt and its templates), and LLaVA-NeXT df179663 for llava_llama_3; docs/llava.md, section 6.2,
// has the same as a table. Deliberate differences: turns are never dropped because their text is empty; `plain`
// ends an answer with a line break where the reference fails; the beginning-of-text token is left to the tokenizer.
import type { Conversation, Turn } from '../../link/requests/messages.js';
import type { TemplateName } from '../../model/description.js';
import { specialPiece, textPiece, type PromptPiece } from './pieces.js';
import { partsToPieces } from './raw-prompt.js';

interface RenderedTurn {
  readonly role: Turn['role'];
  readonly content: readonly PromptPiece[];
}

interface Template {
  /** System text of a conversation that brings none. */
  readonly system: string;
  /** Rendered after a last turn of the user so that the model answers. */
  readonly opensAnswer: readonly PromptPiece[];
  readonly beforeTurns: (system: string) => readonly PromptPiece[];
  readonly turn: (turn: RenderedTurn, index: number, system: string) => readonly PromptPiece[];
  /** Texts that end an answer although the tokenizer does not call them an end of generation. */
  readonly stopStrings: readonly string[];
}

const HUMAN_SYSTEM =
  'A chat between a curious human and an artificial intelligence assistant. ' +
  "The assistant gives helpful, detailed, and polite answers to the human's questions.";
const USER_SYSTEM =
  'A chat between a curious user and an artificial intelligence assistant. ' +
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";
const VISION_SYSTEM =
  'You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, ' +
  'and assist the user with a variety of tasks using natural language.';
const MPT_SYSTEM =
  'A conversation between a user and an LLM-based AI assistant. The assistant gives helpful and honest answers.';

const END = specialPiece('</s>');

/** `SYSTEM USER: question ASSISTANT: answer</s>USER: …`, and with `###` between everything in llava_v0. */
function labelled(
  system: string,
  label: Record<Turn['role'], string>,
  end: Record<Turn['role'], PromptPiece>,
  stopStrings: readonly string[] = [],
): Template {
  return {
    system,
    beforeTurns: (text) => [textPiece(text), end.user],
    turn: ({ role, content }) => [textPiece(`${label[role]}: `), ...content, end[role]],
    opensAnswer: [textPiece(`${label.assistant}:`)],
    stopStrings,
  };
}

/** `[INST] question [/INST] answer </s>[INST] … [/INST]`; `between` stands in front of every instruction but the first. */
function instruction(system: string, between: readonly PromptPiece[]): Template {
  const instructed = (text: string) => (text === '' ? '' : `<<SYS>>\n${text}\n<</SYS>>\n\n`);
  return {
    system,
    beforeTurns: () => [],
    turn: ({ role, content }, index, text) =>
      role === 'assistant'
        ? [textPiece(' '), ...content, textPiece(' '), END]
        : [
            ...(index === 0 ? [] : between),
            textPiece(`[INST] ${index === 0 ? instructed(text) : ''}`),
            ...content,
            textPiece(' [/INST]'),
          ],
    opensAnswer: [],
    stopStrings: [],
  };
}

/** `<|im_start|>role\ncontent<|im_end|>` without a line break in between. */
function chatml(system: string): Template {
  const end = specialPiece('<|im_end|>');
  const open = (role: string) => [specialPiece('<|im_start|>'), textPiece(`${role}\n`)];
  return {
    system,
    beforeTurns: (text) => [...open('system'), textPiece(text), end],
    turn: ({ role, content }) => [...open(role), ...content, end],
    opensAnswer: open('assistant'),
    stopStrings: ['<|im_end|>'],
  };
}

function llama3(system: string): Template {
  const end = specialPiece('<|eot_id|>');
  const open = (role: string) => [
    specialPiece('<|start_header_id|>'),
    textPiece(role),
    specialPiece('<|end_header_id|>'),
    textPiece('\n\n'),
  ];
  return {
    system,
    beforeTurns: (text) => [...open('system'), textPiece(text), end],
    turn: ({ role, content }) => [...open(role), ...content, end],
    opensAnswer: open('assistant'),
    stopStrings: ['<|eot_id|>'],
  };
}

/** Phi-3's own, as xtuner trained its LLaVA with it: no system text, a line break after every token. */
const PHI_3: Template = {
  system: '',
  beforeTurns: (text) => (text === '' ? [] : phi3Turn('system', [textPiece(text)])),
  turn: ({ role, content }) => phi3Turn(role, content),
  opensAnswer: [specialPiece('<|assistant|>'), textPiece('\n')],
  stopStrings: ['<|end|>'],
};

function phi3Turn(role: string, content: readonly PromptPiece[]): PromptPiece[] {
  return [specialPiece(`<|${role}|>`), textPiece('\n'), ...content, specialPiece('<|end|>'), textPiece('\n')];
}

const PLAIN: Template = {
  system: '',
  beforeTurns: (text) => [textPiece(text)],
  turn: ({ content }) => [...content, textPiece('\n')],
  opensAnswer: [],
  stopStrings: [],
};

const CAPITALS = { user: 'USER', assistant: 'ASSISTANT' };
const SPACE_THEN_END = { user: textPiece(' '), assistant: END };
const HASHES = textPiece('###');

const TEMPLATES: Record<TemplateName, Template> = {
  vicuna_v1: labelled(USER_SYSTEM, CAPITALS, SPACE_THEN_END),
  llava_v1: labelled(HUMAN_SYSTEM, CAPITALS, SPACE_THEN_END),
  llava_v0: labelled(
    HUMAN_SYSTEM,
    { user: 'Human', assistant: 'Assistant' },
    { user: HASHES, assistant: HASHES },
    ['###'],
  ),
  llava_llama_2: instruction(VISION_SYSTEM, [specialPiece('<s>')]),
  mistral_instruct: instruction('', []),
  chatml_direct: chatml('Answer the questions.'),
  mpt: chatml(MPT_SYSTEM),
  llava_llama_3: llama3(VISION_SYSTEM),
  phi_3: PHI_3,
  plain: PLAIN,
};

/** Whether the model is to speak next. */
export const endsWithUser = (turns: readonly Turn[]): boolean => turns.at(-1)?.role === 'user';

/** Pieces of the conversation; `opensAnswer`: ready for the model's answer. */
export function renderTemplate(
  name: TemplateName,
  { system, turns }: Pick<Conversation, 'system' | 'turns'>,
  wrapsImageInStartEnd: boolean,
  opensAnswer = endsWithUser(turns),
): PromptPiece[] {
  const template = TEMPLATES[name];
  const systemText = system ?? template.system;
  const pieces = [...template.beforeTurns(systemText)];
  turns.forEach(({ role, parts }, index) => {
    const content = partsToPieces(parts, wrapsImageInStartEnd);
    pieces.push(...template.turn({ role, content }, index, systemText));
  });
  if (opensAnswer) pieces.push(...template.opensAnswer);
  return pieces;
}

/** Texts that end an answer besides the tokenizer's own end tokens; they are not part of the answer. */
export const stopStringsOf = (name: TemplateName): readonly string[] => TEMPLATES[name].stopStrings;
