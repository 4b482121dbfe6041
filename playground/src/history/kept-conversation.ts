// A conversation as this browser keeps it and as a file has it. What is read back is unknown until it is parsed here.
import { isRecord } from '../server/parse-status.js';

export interface KeptTurn {
  readonly question: string;
  readonly answer: string;
  /** Settings as they were sent. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface KeptConversation {
  readonly id: string;
  readonly changedMs: number;
  readonly imageName: string;
  readonly image: Blob | null;
  readonly turns: readonly KeptTurn[];
}

export const MAX_KEPT = 200;

/** Null where the value is no conversation. */
export function parseKept(value: unknown): KeptConversation | null {
  if (!isRecord(value)) return null;
  const { id, changedMs, imageName, image, turns } = value;
  if (typeof id !== 'string' || typeof changedMs !== 'number' || typeof imageName !== 'string') return null;
  if (!(image === null || image instanceof Blob) || !Array.isArray(turns)) return null;
  return { id, changedMs, imageName, image, turns: turns.filter(isKeptTurn) };
}

const isKeptTurn = (value: unknown): value is KeptTurn =>
  isRecord(value) &&
  typeof value['question'] === 'string' &&
  typeof value['answer'] === 'string' &&
  isRecord(value['options']);

export const titleOf = ({ turns }: KeptConversation): string => turns[0]?.question ?? 'No question';

/** What a file of conversations holds; `base64` is the image of each. */
export const exportText = (
  conversations: readonly KeptConversation[],
  base64: ReadonlyMap<string, string>,
): string =>
  `${JSON.stringify(
    {
      takeoff_conversations: 1,
      conversations: conversations.map(({ id, changedMs, imageName, turns }) => ({
        changed: new Date(changedMs).toISOString(),
        image_name: imageName,
        image_base64: base64.get(id) ?? null,
        turns,
      })),
    },
    null,
    2,
  )}\n`;
