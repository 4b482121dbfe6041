// A client of KEDA's external scaler, from the service's description as a .proto file has it: independent of what the server is made of.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

const PROTO = `
syntax = "proto3";
package externalscaler;
service ExternalScaler {
  rpc IsActive(ScaledObjectRef) returns (IsActiveResponse) {}
  rpc StreamIsActive(ScaledObjectRef) returns (stream IsActiveResponse) {}
  rpc GetMetricSpec(ScaledObjectRef) returns (GetMetricSpecResponse) {}
  rpc GetMetrics(GetMetricsRequest) returns (GetMetricsResponse) {}
  rpc StreamMetricSpec(ScaledObjectRef) returns (stream GetMetricSpecResponse) {}
}
message ScaledObjectRef { string name = 1; string namespace = 2; map<string, string> scalerMetadata = 3; }
message IsActiveResponse { bool result = 1; }
message GetMetricSpecResponse { repeated MetricSpec metricSpecs = 1; }
message MetricSpec { string metricName = 1; int64 targetSize = 2; double targetSizeFloat = 3; }
message GetMetricsRequest { ScaledObjectRef scaledObjectRef = 1; string metricName = 2; }
message GetMetricsResponse { repeated MetricValue metricValues = 1; }
message MetricValue { string metricName = 1; int64 metricValue = 2; double metricValueFloat = 3; }
`;

type Method = 'IsActive' | 'StreamIsActive' | 'GetMetricSpec' | 'GetMetrics' | 'StreamMetricSpec';

/** What KEDA knows of the object it scales. */
export const scaledObject = (scalerMetadata: Readonly<Record<string, string>>) => ({
  name: 'readers',
  namespace: 'default',
  scalerMetadata,
});

/** Code of the status and text of a refusal. */
export const refusalOf = ({ code, details }: ServiceError) => ({ code, details });

export class ScalerClient {
  readonly #client: Client;
  readonly #methods: ReadonlyMap<string, MethodDefinition<object, object>>;

  constructor(port: number) {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-proto-'));
    const file = path.join(folder, 'externalscaler.proto');
    writeFileSync(file, PROTO);
    const service = loadSync(file, { keepCase: true, longs: Number, defaults: true })[
      'externalscaler.ExternalScaler'
    ];
    rmSync(folder, { recursive: true });
    this.#methods = new Map(Object.entries(service ?? {}));
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  /** @returns the answer, or the error of the call */
  ask(name: Method, request: object): Promise<unknown> {
    const { path: address, requestSerialize, responseDeserialize } = this.#method(name);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        address,
        requestSerialize,
        responseDeserialize,
        request,
        (error: ServiceError | null, answer?: object) => resolve(error === null ? answer : refusalOf(error)),
      );
    });
  }

  listen(name: Method, request: object) {
    const { path: address, requestSerialize, responseDeserialize } = this.#method(name);
    return this.#client.makeServerStreamRequest(address, requestSerialize, responseDeserialize, request);
  }

  close(): void {
    this.#client.close();
  }

  #method(name: Method): ServiceDefinition[string] {
    const method = this.#methods.get(name);
    if (method === undefined) throw new TypeError(`no method ${name}`);
    return method;
  }
}
