// The description of a port and its reader, as they describe themselves.
import { z } from 'zod';
import type { Operation } from './operation.js';

const TAG = 'Description';

export const OPENAPI: Operation = {
  tag: TAG,
  summary: 'This document',
  answers: [
    { status: 200, description: 'OpenAPI 3.1.', content: [{ kind: 'json', schema: z.looseObject({}) }] },
    { status: 304, description: 'Unchanged since the answer that If-None-Match names.' },
  ],
  errors: [],
};

const file = (summary: string, contentType: string): Operation => ({
  tag: TAG,
  summary,
  answers: [
    { status: 200, description: 'The file.', content: [{ kind: 'text', contentType }] },
    { status: 304, description: 'Unchanged since the answer that If-None-Match names.' },
  ],
  errors: [],
});

export const DOCS = file('This document for people', 'text/html');
export const DOCS_STYLE = file('The style of /docs', 'text/css');
