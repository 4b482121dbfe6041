// Manifests as far as the rules of this folder look into them.
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const texts = z.record(z.string(), z.string());
const port = z.union([z.int(), z.string()]);

const probe = z.object({
  httpGet: z.object({ path: z.string(), port }).optional(),
  tcpSocket: z.object({ port }).optional(),
});

const secretRef = z.object({ name: z.string(), key: z.string() });

const container = z.object({
  name: z.string(),
  image: z.string(),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.object({ secretKeyRef: secretRef.optional() }).optional(),
      }),
    )
    .default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })).default([]),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  resources: z.object({
    requests: z.record(z.string(), port),
    limits: z.record(z.string(), port),
  }),
  securityContext: z.object({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.object({ drop: z.array(z.string()) }),
  }),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })).default([]),
});

const pod = z.object({
  metadata: z.object({ labels: texts }),
  spec: z.object({
    automountServiceAccountToken: z.boolean(),
    enableServiceLinks: z.boolean(),
    securityContext: z.object({ runAsNonRoot: z.boolean(), runAsUser: z.int() }),
    terminationGracePeriodSeconds: z.int(),
    containers: z.array(container),
    volumes: z
      .array(
        z.object({
          name: z.string(),
          configMap: z.object({ name: z.string() }).optional(),
          persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
        }),
      )
      .default([]),
  }),
});

const selector = z.object({ matchLabels: texts });
const peer = z.object({ podSelector: selector.optional(), namespaceSelector: selector.optional() });
const policyPort = z.object({ port, protocol: z.string().optional() });

const specs = {
  Deployment: z.object({ replicas: z.int().optional(), selector, template: pod }),
  Service: z.object({
    selector: texts,
    ports: z.array(z.object({ name: z.string(), port: z.int(), targetPort: port })),
  }),
  PodDisruptionBudget: z.object({ selector }),
  NetworkPolicy: z.object({
    podSelector: selector,
    policyTypes: z.array(z.string()),
    ingress: z.array(z.object({ ports: z.array(policyPort).optional(), from: z.array(peer).optional() })),
    egress: z.array(z.object({ ports: z.array(policyPort).optional(), to: z.array(peer).optional() })),
  }),
  ScaledObject: z.object({
    scaleTargetRef: z.object({ kind: z.literal('Deployment'), name: z.string() }),
    triggers: z
      .array(
        z.object({
          type: z.string(),
          metadata: texts,
          authenticationRef: z.object({ name: z.string() }).optional(),
        }),
      )
      .min(1),
  }),
  ServiceMonitor: z.object({
    selector,
    endpoints: z.array(z.object({ port: z.string(), path: z.string() })),
  }),
} as const;

type SpecKind = keyof typeof specs;
export type Pod = z.infer<typeof pod>;
export type Container = z.infer<typeof container>;

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: texts }),
  spec: z.unknown().optional(),
  data: texts.optional(),
});
export type Manifest = z.infer<typeof manifest>;

/** What helm has rendered. */
export const manifestsOf = (text: string): readonly Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null)
    .map((value) => manifest.parse(value));

/** All of a kind, with their parsed specifications. */
export const ofKind = <Kind extends SpecKind>(manifests: readonly Manifest[], kind: Kind) =>
  manifests
    .filter((other) => other.kind === kind)
    .map(({ metadata, spec }) => ({
      name: metadata.name,
      labels: metadata.labels,
      spec: specs[kind].parse(spec) as z.infer<(typeof specs)[Kind]>,
    }));
