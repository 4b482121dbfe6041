// KEDA's external scaler, the gRPC service that it asks how many replicas there should be: its messages (externalscaler.proto of
// KEDA 2) as a descriptor, since that is all that the library needs. What is asked is parsed before anybody looks at it.
import { fromJSON, type AnyDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { z } from 'zod';
import { Defect } from '../../errors.js';

const SERVICE = 'externalscaler.ExternalScaler';

const rpc = (comment: string, responseType: string, requestType = 'ScaledObjectRef') => ({
  comment,
  requestType,
  responseType,
});

const DESCRIPTOR: Parameters<typeof fromJSON>[0] = {
  nested: {
    externalscaler: {
      nested: {
        ExternalScaler: {
          methods: {
            IsActive: rpc('Whether there is anything to do', 'IsActiveResponse'),
            StreamIsActive: {
              ...rpc('The same, whenever it changes', 'IsActiveResponse'),
              responseStream: true,
            },
            GetMetricSpec: rpc('What a replica is for', 'GetMetricSpecResponse'),
            GetMetrics: rpc('How much there is to do', 'GetMetricsResponse', 'GetMetricsRequest'),
          },
        },
        ScaledObjectRef: {
          fields: {
            name: { type: 'string', id: 1 },
            namespace: { type: 'string', id: 2 },
            // A map, in the form that maps have on the wire.
            scalerMetadata: { rule: 'repeated', type: 'MetadataEntry', id: 3 },
          },
        },
        MetadataEntry: {
          fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } },
        },
        IsActiveResponse: { fields: { result: { type: 'bool', id: 1 } } },
        GetMetricSpecResponse: { fields: { metricSpecs: { rule: 'repeated', type: 'MetricSpec', id: 1 } } },
        // Older versions of KEDA look at the whole numbers only.
        MetricSpec: {
          fields: {
            metricName: { type: 'string', id: 1 },
            targetSize: { type: 'int64', id: 2 },
            targetSizeFloat: { type: 'double', id: 3 },
          },
        },
        GetMetricsRequest: {
          fields: {
            scaledObjectRef: { type: 'ScaledObjectRef', id: 1 },
            metricName: { type: 'string', id: 2 },
          },
        },
        GetMetricsResponse: { fields: { metricValues: { rule: 'repeated', type: 'MetricValue', id: 1 } } },
        MetricValue: {
          fields: {
            metricName: { type: 'string', id: 1 },
            metricValue: { type: 'int64', id: 2 },
            metricValueFloat: { type: 'double', id: 3 },
          },
        },
      },
    },
  },
};

const refSchema = z.object({
  scalerMetadata: z.array(z.object({ key: z.string(), value: z.string() })),
});

const textsOf = ({ scalerMetadata }: z.infer<typeof refSchema>): Readonly<Record<string, string>> =>
  Object.fromEntries(scalerMetadata.map(({ key, value }) => [key, value]));

/** The metadata of the trigger that KEDA asks for. */
export const metadataOf = (request: unknown): Readonly<Record<string, string>> =>
  textsOf(refSchema.parse(request));

const metricsRequestSchema = z.object({ scaledObjectRef: refSchema.nullable(), metricName: z.string() });

export function metricsAskedFor(request: unknown) {
  const { scaledObjectRef, metricName } = metricsRequestSchema.parse(request);
  return { metadata: scaledObjectRef === null ? {} : textsOf(scaledObjectRef), metricName };
}

export function scalerService(): ServiceDefinition {
  const service = fromJSON(DESCRIPTOR, { longs: Number, defaults: true })[SERVICE];
  if (service === undefined || !isService(service)) throw new Defect(`The descriptor has no ${SERVICE}.`);
  return service;
}

const isService = (definition: AnyDefinition): definition is ServiceDefinition => !('format' in definition);
