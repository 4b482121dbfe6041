// The JSON body of every error of the Ollama API: Ollama's sentence, and beside it the code of docs/errors.md, which Ollama's clients
// do not look at.
import { z } from 'zod';
import type { WritableError } from '../connection/public-error.js';
import type { ErrorForm } from '../description/operation.js';

export const ollamaErrorSchema = z
  .object({ error: z.string(), code: z.string() })
  .meta({ id: 'OllamaErrorBody' });

export const writeOllamaError = ({ code, message }: WritableError): z.infer<typeof ollamaErrorSchema> => ({
  error: message,
  code,
});

export const OLLAMA_ERROR_FORM: ErrorForm = {
  schema: ollamaErrorSchema,
  write: writeOllamaError,
  shownCode: (code) => code,
};
