// The settings of commands that may fetch a model from the hub, by their keys in config.yaml.
export const HUB_KEYS = ['repository_path', 'access_token', 'hub_endpoint', 'hub_offline'] as const;
