import { describe, expect, it } from 'vitest';
import { explainInterruption, type Explainable } from './interruption-error.js';
import { deathOf } from './message.fixture.js';

describe('explainInterruption', () => {
  it.each<{ by: Explainable; code: string; says: RegExp }>([
    { by: { kind: 'lost', death: deathOf('r') }, code: 'reader.died', says: /Send the request again/u },
    {
      by: { kind: 'stalled', afterMs: 1200, wasDecoding: true },
      code: 'reader.stalled',
      says: /nothing for 1200 ms.*reader_message_timeout_ms/u,
    },
    {
      by: { kind: 'stalled', afterMs: 3400, wasDecoding: false },
      code: 'reader.stalled',
      says: /no first token within 3400 ms.*first_token_timeout_ms/u,
    },
    { by: { kind: 'overflow' }, code: 'request.client_too_slow', says: /read the stream so slowly/u },
    { by: { kind: 'shutdown' }, code: 'server.draining', says: /shut down.*Send the request again/u },
  ])('names the cause of $code and what to do: $by', ({ by, code, says }) => {
    const explanation = explainInterruption(by);
    expect(explanation.code).toBe(code);
    expect(explanation.message).toMatch(says);
  });
});
