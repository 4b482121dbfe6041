// Writes warnings of requests to the log: the first of each sentence as a warning, the others for who looks closely, because a client that
// earns one earns it with every request.
import type { FastifyBaseLogger } from 'fastify';
import type { PromptWarnings } from './request-warnings.js';

export class WarningLog {
  readonly #told = new Set<string>();

  /** `log` is that of the request, so that its line carries the request's id. */
  write(warnings: PromptWarnings, log: FastifyBaseLogger): void {
    for (const warning of new Set(warnings.flat())) {
      log[this.#told.has(warning) ? 'debug' : 'warn'](`a request gets a warning: ${warning}`);
      this.#told.add(warning);
    }
  }
}
