// Reads the TAKEOFF_* variables: the values of known settings, and the names of variables that mean nothing here.
import { environmentName, layerOf, spellingsOf, type Layer, type NamedSetting } from './layers.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file; the only variable that is no setting. */
export const CONFIG_FILE_VARIABLE = 'TAKEOFF_CONFIG_FILE';

/** Kubernetes sets these in every container beside a service named "takeoff": TAKEOFF_PORT=tcp://10.0.0.1:3000 and more. */
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//u;
const SERVICE_LINK_NAME = /^TAKEOFF_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)$/u;

export function environmentLayer(settings: readonly NamedSetting[], environment: Environment): Layer {
  return layerOf(settings, (spelling) => {
    const name = environmentName(spelling);
    const value = environment[name];
    if (value === undefined || SERVICE_LINK_VALUE.test(value)) return undefined;
    return { value, source: `the environment variable ${name}` };
  });
}

/** Variables of other programs that mean the same as one of the settings, such as HF_ENDPOINT. */
export function sharedLayer(settings: readonly NamedSetting[], environment: Environment): Layer {
  return layerOf(settings, (spelling, { key, sharedVariable }) => {
    const value = spelling === key ? environment[sharedVariable?.name ?? ''] : undefined;
    if (sharedVariable === undefined || value === undefined || value === '') return undefined;
    const { name, toText } = sharedVariable;
    return { value: toText(value), source: `the environment variable ${name}` };
  });
}

/** Variables that begin with TAKEOFF_ and that no setting of the list reads. */
export function unreadVariables(settings: readonly NamedSetting[], environment: Environment): string[] {
  const read = new Set([...spellingsOf(settings)].map(environmentName));
  return Object.keys(environment)
    .filter((name) => name.startsWith('TAKEOFF_') && !read.has(name) && !SERVICE_LINK_NAME.test(name))
    .filter((name) => name !== CONFIG_FILE_VARIABLE)
    .sort();
}
