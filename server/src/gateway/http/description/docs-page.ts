// /docs: an OpenAPI document as one page of HTML, without a script. Everything in it comes from the document and stands there as text.
import { code, element, inlineText, markupOf, type Html, type HtmlPart } from './html.js';
import type {
  Content,
  JsonSchema,
  OpenApiDocument,
  OperationObject,
  ParameterObject,
  ResponseObject,
} from './openapi.js';
import { schemaView } from './schema-view.js';

export function docsPage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="docs.css">`;
  const { title, description, version } = document.info;
  const body = element(
    'body',
    {},
    navigation(document, operations),
    element(
      'main',
      {},
      element('h1', {}, title),
      element(
        'p',
        { class: 'weak' },
        `Version ${version}. For programs: `,
        link('openapi.json', 'openapi.json'),
      ),
      paragraphs(description),
      operations.map((one) => operationView(one, document)),
    ),
  );
  return `<!doctype html><html lang="en"><head>${head}${markupOf(element('title', {}, title))}</head>${body.markup}</html>`;
}

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

const operationsOf = ({ paths }: OpenApiDocument): readonly Listed[] =>
  Object.entries(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );

const link = (href: string, ...content: readonly HtmlPart[]): Html => element('a', { href }, ...content);

function navigation({ tags }: OpenApiDocument, operations: readonly Listed[]): Html {
  const lists = tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const items = own.map(({ method, path, operation }) =>
      element('li', {}, link(`#${operation.operationId}`, code(`${method} ${path}`))),
    );
    return [element('h2', {}, name), element('ul', {}, items)];
  });
  return element('nav', { 'aria-label': 'Routes' }, lists);
}

function operationView({ method, path, operation }: Listed, document: OpenApiDocument): Html {
  const { operationId: id, summary, description, parameters = [], requestBody, responses } = operation;
  const responseViews = Object.entries(responses).map(([status, response]) =>
    responseView(status, response, document),
  );
  return element(
    'section',
    { id },
    element('h2', {}, element('b', {}, method), code(path)),
    element('p', {}, summary, '.'),
    description === undefined ? [] : paragraphs(description),
    parameters.length === 0 ? [] : parameterTable(parameters),
    requestBody === undefined
      ? []
      : [
          element('h3', {}, requestBody.required ? 'Request' : 'Request, if any'),
          contentView(requestBody.content, document),
        ],
    element('h3', {}, 'Answers'),
    responseViews,
  );
}

function parameterTable(parameters: readonly ParameterObject[]): readonly Html[] {
  const rows = parameters.map(({ name, in: place, description }) =>
    element(
      'tr',
      {},
      element('th', {}, code(name), ` in the ${place}`),
      element('td', {}, inlineText(description)),
    ),
  );
  return [element('h3', {}, 'Parameters'), element('table', {}, rows)];
}

function responseView(status: string, response: ResponseObject, document: OpenApiDocument): Html {
  const { description, content, headers = {} } = response;
  const isBad = Number(status) >= 400;
  const told = Object.entries(headers)
    .filter(([, { required }]) => required === true)
    .map(([name, { description: meaning }]) => element('p', { class: 'weak' }, code(name), `: ${meaning}`));
  const heading = element('span', { class: isBad ? 'status bad' : 'status' }, status);
  if (isBad)
    return element(
      'details',
      {},
      element('summary', {}, heading),
      paragraphs(description),
      content === undefined ? [] : exampleViews(content),
    );
  return element(
    'div',
    {},
    element('p', {}, heading, ' ', inlineText(description)),
    told,
    content === undefined ? [] : contentView(content, document),
  );
}

const contentView = (content: Content, document: OpenApiDocument): readonly HtmlPart[] =>
  Object.entries(content).map(([type, { schema, 'x-events': events, 'x-line': line }]) => [
    element('p', { class: 'weak' }, code(type)),
    events === undefined
      ? schemaView(line ?? schema, document.components.schemas)
      : eventViews(events, document),
    exampleViews({ [type]: content[type] ?? { schema } }),
  ]);

const eventViews = (
  events: Readonly<Record<string, JsonSchema>>,
  { components }: OpenApiDocument,
): readonly Html[] =>
  Object.entries(events).map(([name, schema]) =>
    element(
      'details',
      {},
      element('summary', {}, 'Event ', code(name)),
      schemaView(schema, components.schemas),
    ),
  );

const exampleViews = (content: Content): readonly HtmlPart[] =>
  Object.values(content).flatMap(({ examples = {} }) =>
    Object.entries(examples).map(([name, { value }]) => [
      element('p', { class: 'weak' }, `${name}:`),
      element('pre', {}, typeof value === 'string' ? value : JSON.stringify(value, null, 2)),
    ]),
  );

const paragraphs = (text: string): readonly Html[] =>
  text.split('\n\n').map((paragraph) => element('p', {}, inlineText(paragraph)));
