// The ways a hub can fail to deliver, each with what the operator can do. Messages name hosts, never whole addresses: those of
// a content network carry signatures. Tokens are in no message.
import { CheckpointError, HubError } from '../../errors.js';
import type { HubModel } from './model-id.js';

export interface Place {
  readonly model: HubModel;
  /** As configured, without a slash at the end. */
  readonly endpoint: string;
  /** Whether a token is configured. */
  readonly hasToken: boolean;
}

const nameOf = ({ id, revision }: HubModel): string => (revision === 'main' ? id : `${id}@${revision}`);

/** May pass by itself; `retryAfterMs` is the server's wish. */
export function unreachable(
  { model, endpoint }: Place,
  what: string,
  options: { readonly cause?: unknown; readonly retryAfterMs?: number | null } = {},
): HubError {
  return new HubError(
    'hub.unreachable',
    `${nameOf(model)}: ${what} The hub is ${endpoint} (TAKEOFF_HUB_ENDPOINT); with TAKEOFF_HUB_OFFLINE=true only the model cache is used.`,
    { cause: options.cause, details: { retryAfterMs: options.retryAfterMs ?? null } },
  );
}

/** 401 and 403. The hub answers 401 for names that do not exist, too, so that private ones cannot be guessed. */
export function denied(place: Place, status: number, errorCode: string | null): HubError {
  const { model, endpoint, hasToken } = place;
  const page = `${endpoint}/${model.id}`;
  const message =
    errorCode === 'GatedRepo'
      ? `Access to this model is restricted. Accept its conditions at ${page}, then set TAKEOFF_ACCESS_TOKEN to a token of that account${hasToken ? ' (the configured one has no access)' : ''}.`
      : hasToken
        ? `The hub refused access (${status}). Either there is no such model, or the configured TAKEOFF_ACCESS_TOKEN is invalid or has no access to it; see ${page}.`
        : `The hub refused access (${status}). Either there is no such model (check the spelling), or it is private or restricted: then set TAKEOFF_ACCESS_TOKEN to a token of an account that may read ${page}.`;
  return new HubError('hub.denied', `${nameOf(model)}: ${message}`);
}

export function notFound(
  { model, endpoint }: Place,
  errorCode: string | null,
  file: string | null,
): HubError {
  const what =
    errorCode === 'RevisionNotFound'
      ? `The model exists, but has no branch, tag or commit ${model.revision}.`
      : file === null
        ? `There is no folder of this name here, and ${endpoint} has no such model (branch ${model.revision}).`
        : `The hub lists ${file}, but does not have it.`;
  return new HubError('hub.not_found', `${nameOf(model)}: ${what}`);
}

export function refused({ model, endpoint }: Place, what: string, cause?: unknown): HubError {
  return new HubError(
    'hub.refused',
    `${nameOf(model)}: ${what} The hub is ${endpoint} (TAKEOFF_HUB_ENDPOINT).`,
    { cause },
  );
}

/** Twice downloaded, twice wrong. */
export function corrupt({ model }: Place, file: string, what: string): HubError {
  return new HubError('hub.corrupt', `${nameOf(model)}: ${file}: ${what}`);
}

export function notCached(model: HubModel, what: string): HubError {
  return new HubError(
    'hub.offline',
    `${nameOf(model)}: ${what} TAKEOFF_HUB_OFFLINE (or HF_HUB_OFFLINE) is on, so nothing is downloaded. Start once without it, or give the path of a folder.`,
  );
}

export function cancelled(signal: AbortSignal): CheckpointError {
  return new CheckpointError(
    'checkpoint.cancelled',
    'The download was cancelled; it goes on from here later.',
    {
      cause: signal.reason,
    },
  );
}
