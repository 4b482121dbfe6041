import { describe, expect, it } from 'vitest';
import { docsPage } from './docs-page.js';
import { markupOf, element } from './html.js';
import type { JsonSchema, OpenApiDocument } from './openapi.js';

const documentWith = (schema: JsonSchema, schemas: Record<string, JsonSchema> = {}): OpenApiDocument => ({
  openapi: '3.1.1',
  info: { title: 'T', version: '1', description: 'First `code`.\n\nSecond.' },
  servers: [],
  security: [],
  tags: [{ name: 'Tag' }],
  paths: {
    '/a/{id}': {
      post: {
        operationId: 'postA',
        tags: ['Tag'],
        summary: 'Do <b>it</b>',
        requestBody: { required: true, content: { 'application/json': { schema } } },
        responses: {},
      },
    },
  },
  components: { schemas, securitySchemes: {} },
});

describe('docsPage', () => {
  it('shows what stands in the document as text, never as markup', () => {
    const page = docsPage(documentWith({ properties: { '<i>': { description: '"&<script>' } } }));
    expect(page).toContain('Do &lt;b&gt;it&lt;/b&gt;');
    expect(page).toContain('&lt;i&gt;');
    expect(page).toContain('&quot;&amp;&lt;script&gt;');
    expect(page).not.toContain('<script>');
  });

  it('leads from its list of routes to each of them', () => {
    const page = docsPage(documentWith({}));
    expect(page).toContain('<a href="#postA"><code>POST /a/{id}</code></a>');
    expect(page).toContain('<section id="postA">');
    expect(page).toContain('<p>First <code>code</code>.</p><p>Second.</p>');
  });

  it.each<[JsonSchema, string]>([
    [{ type: 'integer', minimum: 0, maximum: 9, default: 1 }, 'integer, from 0 to 9, 1 by default.'],
    [
      { anyOf: [{ type: 'number', exclusiveMinimum: 0, maximum: 2 }, { type: 'null' }] },
      'number or null, above 0, up to 2.',
    ],
    [{ type: ['string', 'null'] }, 'string or null.'],
    [{ enum: ['a', null] }, '&quot;a&quot; or null.'],
    [{ type: 'array', items: { anyOf: [{ type: 'object' }, { type: 'object' }] } }, 'list of object.'],
    [{}, 'anything.'],
    [{ $ref: '#/components/schemas/Named' }, 'boolean.'],
  ])('says %j in words', (field, words) => {
    const page = docsPage(documentWith({ properties: { field } }, { Named: { type: 'boolean' } }));
    expect(page).toContain(`<span class="weak">${words}</span>`);
  });

  it('ends where schemas hold themselves', () => {
    const list = { type: 'object', properties: { next: { $ref: '#/components/schemas/List' } } };
    expect(docsPage(documentWith({ $ref: '#/components/schemas/List' }, { List: list }))).toContain('next');
  });
});

it('element writes attributes as text', () => {
  expect(markupOf(element('p', { title: '"><' }, 'a'))).toBe('<p title="&quot;&gt;&lt;">a</p>');
});
