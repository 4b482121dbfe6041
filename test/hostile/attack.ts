// Sends hostile files to a running server, several at a time, and counts the statuses of the answers.
import { imageForm } from '../process/requests.js';
import type { NamedFile } from './files/valid.js';

export interface AttackOptions {
  readonly url: string;
  readonly next: () => NamedFile;
  readonly connections: number;
  /** Whether to send another file; asked before each one. */
  readonly goesOn: (sent: number) => boolean;
  /** Pause of a connection between an answer and its next file. */
  readonly pauseMs?: number;
}

export interface AttackOutcome {
  readonly sent: number;
  readonly countByStatus: ReadonlyMap<number, number>;
  /** A line for each unexpected status and each error answer without a code. */
  readonly complaints: readonly string[];
}

/** Statuses that a hostile image may be answered with: taken, refused, too large. A 5xx would be a failure of the server. */
export const ALLOWED_STATUSES: readonly number[] = [200, 400, 413, 415, 422];

export async function attack({
  url,
  next,
  connections,
  goesOn,
  pauseMs = 0,
}: AttackOptions): Promise<AttackOutcome> {
  const countByStatus = new Map<number, number>();
  const complaints: string[] = [];
  let sent = 0;
  const work = async (): Promise<void> => {
    while (goesOn(sent)) {
      sent += 1;
      const file = next();
      const { status, complaint } = await send(url, file);
      countByStatus.set(status, (countByStatus.get(status) ?? 0) + 1);
      if (complaint !== undefined) complaints.push(complaint);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { sent, countByStatus, complaints };
}

export async function send(
  url: string,
  { name, bytes }: NamedFile,
): Promise<{ status: number; code: string | undefined; message: string; complaint: string | undefined }> {
  const request = { text: 'USER: Describe.\nASSISTANT:', max_new_tokens: 1 };
  const response = await fetch(`${url}/image_generate`, {
    method: 'POST',
    body: imageForm(new Uint8Array(bytes), request),
  });
  const { status } = response;
  const text = await response.text();
  const { error } = JSON.parse(text) as { error?: { code: string; message: string } };
  const isFine = status === 200 || (ALLOWED_STATUSES.includes(status) && error !== undefined);
  const complaint = isFine ? undefined : `${name}: ${status} ${text.slice(0, 200)}`;
  return { status, code: error?.code, message: error?.message ?? '', complaint };
}
