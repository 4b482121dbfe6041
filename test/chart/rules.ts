// What must hold between manifests and no schema says: selectors find pods, every port, volume and object that is named exists, nobody
// is root or without limits, policies cover all pods, and what a pod finds as config.yaml is a configuration of the program.
import { parse } from 'yaml';
import { loadConfig } from '../../server/src/config/load-config.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ofKind, type Container, type Manifest, type Pod } from './manifest.js';

type Labels = Readonly<Record<string, string>>;

const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

const MAX_LABEL = 63;

/** A sentence for each rule that is broken. */
export function brokenRules(manifests: readonly Manifest[]): string[] {
  return [
    ...names(manifests),
    ...deployments(manifests),
    ...services(manifests),
    ...budgets(manifests),
    ...policies(manifests),
    ...scaling(manifests),
    ...monitors(manifests),
  ];
}

function names(manifests: readonly Manifest[]): string[] {
  const seen = new Set<string>();
  return manifests.flatMap(({ kind, metadata: { name, labels } }) => {
    const id = `${kind} ${name}`;
    const isTwin = seen.has(id);
    seen.add(id);
    return [
      ...(isTwin ? [`${id} is there twice`] : []),
      ...(name.length > MAX_LABEL ? [`${id} has a name of ${name.length} characters`] : []),
      ...Object.values(labels).flatMap((label) =>
        label.length > MAX_LABEL ? [`${id} has the label ${label}, which is too long`] : [],
      ),
    ];
  });
}

const podsOf = (manifests: readonly Manifest[]) =>
  ofKind(manifests, 'Deployment').map(({ name, spec }) => ({ name, pod: spec.template }));

function deployments(manifests: readonly Manifest[]): string[] {
  const all = ofKind(manifests, 'Deployment');
  return all.flatMap(({ name, spec: { selector, template } }) => {
    const found = all.filter(({ spec }) => matches(selector.matchLabels, spec.template.metadata.labels));
    return [
      ...(found.length === 1 ? [] : [`Deployment ${name} selects the pods of ${found.length} Deployments`]),
      ...podRules(name, template, manifests),
    ];
  });
}

function podRules(name: string, { spec }: Pod, manifests: readonly Manifest[]): string[] {
  const broken = (isBroken: boolean, what: string): string[] => (isBroken ? [`${name}: ${what}`] : []);
  const mounted = (kind: string, object: string | undefined): boolean =>
    object === undefined || manifests.some((other) => other.kind === kind && other.metadata.name === object);
  const own = manifests.find(({ metadata }) => metadata.name === name)?.metadata.labels[
    'app.kubernetes.io/instance'
  ];
  return [
    ...broken(spec.automountServiceAccountToken, 'has a token of the cluster'),
    ...broken(spec.enableServiceLinks, 'gets variables of every Service'),
    ...broken(!spec.securityContext.runAsNonRoot || spec.securityContext.runAsUser === 0, 'runs as root'),
    ...spec.volumes.flatMap(({ configMap, persistentVolumeClaim: claim }) => [
      ...broken(
        !mounted('ConfigMap', configMap?.name),
        `mounts the ConfigMap ${configMap?.name}, which is not there`,
      ),
      ...broken(
        claim?.claimName.startsWith(own ?? '') === true && !mounted('PersistentVolumeClaim', claim.claimName),
        `mounts the claim ${claim?.claimName}, which is not there`,
      ),
    ]),
    ...spec.containers.flatMap((container) => [
      ...containerRules(
        name,
        container,
        spec.volumes.map((volume) => volume.name),
      ),
      ...configRules(name, container, spec.volumes, manifests),
    ]),
  ];
}

function containerRules(name: string, container: Container, volumes: readonly string[]): string[] {
  const { ports, env, resources, securityContext, volumeMounts } = container;
  const portNames = ports.map((port) => port.name);
  const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe].flatMap(
    (probe) => (probe === undefined ? [] : [probe]),
  );
  const broken: string[] = [];
  if (container.readinessProbe === undefined) broken.push('is never asked whether it is ready');
  if (container.livenessProbe === undefined) broken.push('is never asked whether it lives');
  for (const { httpGet, tcpSocket } of probes) {
    const port = httpGet?.port ?? tcpSocket?.port;
    if (!portNames.some((known) => known === port)) broken.push(`is asked at port ${port}, which it has not`);
  }
  for (const { name: volume, mountPath } of volumeMounts)
    if (!volumes.includes(volume)) broken.push(`mounts ${volume}, which is no volume of its pod`);
    else if (volumeMounts.filter((other) => other.mountPath === mountPath).length > 1)
      broken.push(`mounts two volumes at ${mountPath}`);
  if (new Set(env.map((variable) => variable.name)).size < env.length) broken.push('has a variable twice');
  const known = env.map((variable) => variable.name);
  for (const { value = '' } of env)
    for (const [, used = ''] of value.matchAll(/\$\((\w+)\)/gu))
      if (!known.includes(used)) broken.push(`uses the variable ${used}, which it has not`);
  if (resources.limits['memory'] === undefined) broken.push('has no limit of memory');
  if (resources.requests['memory'] === undefined || resources.requests['cpu'] === undefined)
    broken.push('requests no memory or processors');
  const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = securityContext;
  if (allowPrivilegeEscalation || !readOnlyRootFilesystem || !capabilities.drop.includes('ALL'))
    broken.push('may do more than it needs');
  return broken.map((what) => `${name}: ${container.name} ${what}`);
}

/** config.yaml together with the variables is one that the program starts with. */
function configRules(
  name: string,
  { env, volumeMounts, ports }: Container,
  volumes: Pod['spec']['volumes'],
  manifests: readonly Manifest[],
): string[] {
  const mount = volumeMounts.find(({ mountPath }) => mountPath === '/code/config.yaml');
  if (mount === undefined) return [];
  const configMap = volumes.find((volume) => volume.name === mount.name)?.configMap?.name;
  const text = manifests.find((other) => other.kind === 'ConfigMap' && other.metadata.name === configMap)
    ?.data?.['config.yaml'];
  if (text === undefined) return [`${name}: has no config.yaml`];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-config-'));
  try {
    const configFile = path.join(folder, 'config.yaml');
    writeFileSync(configFile, text);
    const environment = Object.fromEntries(
      env.map(({ name: variable, value }) => [variable, value ?? secretFor(variable)]),
    );
    const { server, readers, warnings } = loadConfig({ flags: new Map(), configFile, environment });
    const unknown = warnings.filter((warning) => /unknown|no effect/u.test(warning));
    const listened = [server.port, ...(server.headless ? [] : gatewayPorts(server))].sort();
    const opened = ports.map(({ containerPort }) => containerPort).sort();
    return [
      ...unknown.map((warning) => `${name}: ${warning}`),
      ...(server.redisUrl === null ? [`${name}: has no address of Redis`] : []),
      ...(server.headless && readers.length !== 1 ? [`${name}: has ${readers.length} readers`] : []),
      ...(listened.join() === opened.join()
        ? []
        : [`${name}: listens on ${listened.join()} and its container has ${opened.join()}`]),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const secretFor = (variable: string): string =>
  variable === 'TAKEOFF_REDIS_URL' ? 'rediss://name:password@redis:6380' : 'a-secret-of-the-cluster';

const gatewayPorts = (server: ReturnType<typeof loadConfig>['server']): readonly number[] => [
  ...(server.launchManagementServer ? [server.managementPort] : []),
  ...(server.launchOpenaiServer ? [server.openaiPort] : []),
  ...(server.internalPort === null ? [] : [server.internalPort]),
];

function services(manifests: readonly Manifest[]): string[] {
  const pods = podsOf(manifests);
  return ofKind(manifests, 'Service').flatMap(({ name, spec }) => {
    const selected = pods.filter(({ pod }) => matches(spec.selector, pod.metadata.labels));
    const ports = selected.flatMap(({ pod }) => portNamesOf(pod));
    return [
      ...(selected.length === 1 ? [] : [`Service ${name} selects ${selected.length} Deployments`]),
      ...spec.ports.flatMap(({ targetPort }) =>
        ports.some((port) => port === targetPort)
          ? []
          : [`Service ${name} names port ${targetPort}, which no pod has`],
      ),
    ];
  });
}

const portNamesOf = ({ spec }: Pod): readonly string[] =>
  spec.containers.flatMap(({ ports }) => ports.map((port) => port.name));

function budgets(manifests: readonly Manifest[]): string[] {
  const pods = podsOf(manifests);
  return ofKind(manifests, 'PodDisruptionBudget').flatMap(({ name, spec: { selector } }) => {
    const selected = pods.filter(({ pod }) => matches(selector.matchLabels, pod.metadata.labels));
    return selected.length === 1 ? [] : [`PodDisruptionBudget ${name} is for ${selected.length} Deployments`];
  });
}

/** Where there are policies, they cover all pods, both ways; and those that must talk are let through. */
function policies(manifests: readonly Manifest[]): string[] {
  const all = ofKind(manifests, 'NetworkPolicy');
  if (all.length === 0) return [];
  const pods = podsOf(manifests);
  const uncovered = pods.flatMap(({ name, pod }) =>
    ['Ingress', 'Egress'].flatMap((way) =>
      all.some(
        ({ spec }) =>
          spec.policyTypes.includes(way) && matches(spec.podSelector.matchLabels, pod.metadata.labels),
      )
        ? []
        : [`no NetworkPolicy covers the ${way} of ${name}`],
    ),
  );
  const unknownPorts = all.flatMap(({ name, spec }) => {
    const ports = pods
      .filter(({ pod }) => matches(spec.podSelector.matchLabels, pod.metadata.labels))
      .flatMap(({ pod }) => portNamesOf(pod));
    return spec.ingress.flatMap(({ ports: named = [] }) =>
      named.flatMap(({ port }) =>
        typeof port === 'string' && !ports.includes(port)
          ? [`NetworkPolicy ${name} lets port ${port} in, which its pods have not`]
          : [],
      ),
    );
  });
  const idlePeers = all.flatMap(({ name, spec }) =>
    [...spec.ingress.flatMap(({ from = [] }) => from), ...spec.egress.flatMap(({ to = [] }) => to)].flatMap(
      ({ podSelector, namespaceSelector }) =>
        podSelector === undefined ||
        namespaceSelector !== undefined ||
        component(podSelector.matchLabels) === 'reader' ||
        pods.some(({ pod }) => matches(podSelector.matchLabels, pod.metadata.labels))
          ? []
          : [`NetworkPolicy ${name} names pods that are not there`],
    ),
  );
  return [...uncovered, ...unknownPorts, ...idlePeers];
}

const component = (labels: Labels): string | undefined => labels['app.kubernetes.io/component'];

function scaling(manifests: readonly Manifest[]): string[] {
  const scaled = ofKind(manifests, 'ScaledObject');
  return [
    ...scaled.flatMap(({ name, spec: { scaleTargetRef, triggers } }) => {
      const target = ofKind(manifests, 'Deployment').find((other) => other.name === scaleTargetRef.name);
      const groups = groupsOf(manifests, scaleTargetRef.name);
      const asked = triggers.map(
        ({ metadata }) =>
          metadata['consumerGroup'] ?? /^tk:1:\{(.+)\}:queue$/u.exec(metadata['stream'] ?? '')?.[1] ?? '',
      );
      return [
        ...(target === undefined
          ? [`ScaledObject ${name} scales ${scaleTargetRef.name}, which is not there`]
          : []),
        ...(target?.spec.replicas === undefined ? [] : [`${name} is scaled by KEDA and by its Deployment`]),
        ...(asked.join() === groups.join()
          ? []
          : [`ScaledObject ${name} asks for ${asked.join()} and not ${groups.join()}`]),
        ...triggers.flatMap(({ metadata }) => addressRules(name, metadata, manifests)),
      ];
    }),
  ];
}

/** What a reader serves, by its config.yaml. */
function groupsOf(manifests: readonly Manifest[], name: string): readonly string[] {
  const text =
    manifests.find((other) => other.kind === 'ConfigMap' && other.metadata.name === name)?.data?.[
      'config.yaml'
    ] ?? '';
  const { takeoff } = parse(text) as {
    takeoff: {
      readers_config: Record<string, { consumer_group?: string; consumer_groups?: readonly string[] }>;
    };
  };
  const [reader = {}] = Object.values(takeoff.readers_config);
  const given = reader.consumer_groups ?? reader.consumer_group ?? 'primary';
  return typeof given === 'string' ? given.split(',').map((group) => group.trim()) : given;
}

/** An address within the cluster is one of a Service of the chart, at a port that it has. */
function addressRules(
  name: string,
  { scalerAddress, address }: Labels,
  manifests: readonly Manifest[],
): string[] {
  const [host = '', port = ''] = (scalerAddress ?? address ?? '').split(':');
  const [service, namespace] = host.split('.');
  if (namespace !== 'vision') return [];
  const found = ofKind(manifests, 'Service').find((other) => other.name === service);
  return found?.spec.ports.some((known) => String(known.port) === port) === true
    ? []
    : [`ScaledObject ${name} asks ${host}:${port}, where no Service is`];
}

function monitors(manifests: readonly Manifest[]): string[] {
  const all = ofKind(manifests, 'Service');
  return ofKind(manifests, 'ServiceMonitor').flatMap(({ name, spec: { selector, endpoints } }) => {
    const found = all.filter(({ labels }) => matches(selector.matchLabels, labels));
    return endpoints.flatMap(({ port }) => {
      const scraped = found.filter(({ spec }) => spec.ports.some((known) => known.name === port));
      return scraped.length === 1
        ? []
        : [`ServiceMonitor ${name} finds port ${port} at ${scraped.length} Services`];
    });
  });
}
