// The two outcomes of an image: described, or listed as failed with the reason.
import { CommandError } from '../../errors.js';

export interface Description {
  /** As image-list.ts found it: relative to the working folder if the argument was relative. */
  readonly path: string;
  readonly text: string;
  readonly finishReason: string;
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly generatedTokens: number;
}

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** Where a run's results go, and what earlier runs left there. */
export interface Output extends AsyncDisposable {
  /** Whether the image is in the output already. */
  has(path: string): Promise<'described' | 'failed' | 'no'>;
  describe(description: Description): Promise<void>;
  fail(failure: Failure): Promise<void>;
  /** Whether descriptions are printed where progress may be shown, so that it has to make way. */
  readonly isPrinted: boolean;
  /** In words, for the person who runs the command: where the failures are listed; null where nothing lists them. */
  readonly failuresPlace: string | null;
}

/** The names that a description has in files. */
export const toFields = (description: Description): Readonly<Record<string, string | number>> => ({
  path: description.path,
  text: description.text,
  finish_reason: description.finishReason,
  prompt_tokens: description.promptTokens,
  image_tokens: description.imageTokens,
  generated_tokens: description.generatedTokens,
});

/** One line of JSON Lines. */
export const failureLine = ({ path, code, message }: Failure): string =>
  `${JSON.stringify({ path, error: { code, message } })}\n`;

/** The error of an output that cannot be written any more: a full disk, a folder that was removed during the run. */
export const notWritten = (file: string, cause: unknown): CommandError =>
  new CommandError(
    'command.incomplete',
    `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}. What is in the output stays; the same command goes on there.`,
    { cause },
  );
