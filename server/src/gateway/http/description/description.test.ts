// The descriptions of all three ports, as they answer them.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ERROR_CODES, isErrorCode } from 'takeoff-wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  describedPorts,
  documentOf,
  PORTS,
  type DescribedPorts,
  type PortName,
} from '../described-ports.fixture.js';
import type { MediaType, OpenApiDocument, OperationObject } from './openapi.js';

let ports: DescribedPorts;
const documents = new Map<PortName, OpenApiDocument>();
beforeAll(async () => {
  ports = await describedPorts();
  for (const name of PORTS) documents.set(name, await documentOf(ports.apps[name]));
});
afterAll(() => ports.close());

function documentAt(port: PortName): OpenApiDocument {
  const document = documents.get(port);
  if (document === undefined) throw new TypeError(`no document of ${port}`);
  return document;
}

interface Listed extends OperationObject {
  readonly place: string;
  readonly method: string;
  readonly path: string;
}

const operationsOf = (port: PortName): Listed[] =>
  Object.entries(documentAt(port).paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
      place: `${port}: ${method} ${path}`,
    })),
  );

/** Everything that has a schema and perhaps examples, with the place where it stands. */
const mediaOf = (port: PortName): [string, MediaType][] =>
  operationsOf(port).flatMap(({ place, requestBody, responses }) => [
    ...Object.entries(requestBody?.content ?? {}).map(([type, media]): [string, MediaType] => [
      `${place}, request ${type}`,
      media,
    ]),
    ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Object.entries(content).map(([type, media]): [string, MediaType] => [
        `${place}, ${status} ${type}`,
        media,
      ]),
    ),
  ]);

function validatorOf(port: PortName): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document:', components: documentAt(port).components });
  return ajv;
}

const inDocument = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document:#/components')) as object;

describe.each(PORTS)('the description of the %s port', (port) => {
  it('has every route of the router, and none besides', () => {
    const app = ports.apps[port];
    const described = operationsOf(port).map(({ method, path }) => `${method} ${path}`);
    for (const { method, path } of operationsOf(port)) {
      const url = path
        .replace('/v1/models/{model}', '/v1/models/*')
        .replace('/assets/{name}', '/assets/a-1.js')
        .replaceAll(/\{(\w+)\}/gu, ':$1');
      expect([path, app.hasRoute({ method, url })]).toEqual([path, true]);
    }
    const routed = routesOf(app.printRoutes({ commonPrefix: false }));
    const addressed = routed.map((route) =>
      route
        .replace(/\/v1\/models\/?\*$/u, '/v1/models/{model}')
        .replace(/\/assets\/.+$/u, '/assets/{name}')
        .replaceAll(/:(\w+)/gu, '{$1}'),
    );
    expect(new Set(addressed)).toEqual(new Set(described));
  });

  it('has valid schemas, and examples that are valid by them', () => {
    const ajv = validatorOf(port);
    for (const [place, { schema, examples = {}, 'x-events': events }] of mediaOf(port)) {
      for (const one of [schema, ...Object.values(events ?? {})])
        expect([place, ajv.validateSchema(one), ajv.errors]).toEqual([place, true, null]);
      for (const { value } of Object.values(examples)) {
        const validate = ajv.compile(inDocument(schema));
        expect([place, validate(value), validate.errors]).toEqual([place, true, null]);
      }
    }
  });

  it('tells each error code with its own status', () => {
    for (const { place, responses } of operationsOf(port)) {
      for (const [status, { description }] of Object.entries(responses)) {
        const codes = [...description.matchAll(/`(\w+\.\w+)`:/gu)].map(([, code = '']) => code);
        for (const code of codes)
          expect([place, code, isErrorCode(code) && ERROR_CODES[code].status]).toEqual([
            place,
            code,
            Number(status),
          ]);
      }
    }
  });

  it('has operation ids of its own for each operation', () => {
    const ids = operationsOf(port).map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('getOpenapiJson');
  });

  it('has all its components in use', () => {
    const text = JSON.stringify(documentAt(port));
    for (const name of Object.keys(documentAt(port).components.schemas))
      expect([name, text.includes(`"#/components/schemas/${name}"`)]).toEqual([name, true]);
  });
});

/** Lines such as `├── /generate (POST)` of the framework's drawing, as `POST /generate`. */
function routesOf(drawing: string): string[] {
  const above: string[] = [];
  return drawing.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods] = /^([│ ├└─]*)(\S*)(?: \((.*)\))?$/u.exec(line) ?? [];
    if (segment === '') return [];
    const depth = indent.length / 4 - 1;
    above.splice(depth, above.length, segment);
    const path = above.join('');
    return (methods?.split(', ') ?? [])
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method} ${path}`);
  });
}
