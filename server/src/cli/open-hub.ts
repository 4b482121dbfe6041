// The model hub as the settings describe it, for commands that prepare models themselves.
import type { HubEvent } from '../checkpoint/hub/hub-event.js';
import { Hub } from '../checkpoint/hub/hub.js';
import type { ServerConfig } from '../config/server-settings.js';

export type HubSettings = Pick<ServerConfig, 'repositoryPath' | 'hubEndpoint' | 'accessToken' | 'hubOffline'>;

export function openHub(
  { repositoryPath, hubEndpoint, accessToken, hubOffline }: HubSettings,
  signal: AbortSignal,
  onEvent: (event: HubEvent) => void,
): Hub {
  return new Hub({
    repositoryPath,
    endpoint: hubEndpoint,
    accessToken,
    isOffline: hubOffline,
    signal,
    onEvent,
  });
}
