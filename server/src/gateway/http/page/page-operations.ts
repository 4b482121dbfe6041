// The page and its files, as the description of the inference port tells them.
import { pageStatusSchema } from 'takeoff-wire';
import { z } from 'zod';
import { answeredWith, type Operation } from '../description/operation.js';

const TAG = 'Page';

const unchanged = { status: 304, description: 'Unchanged since the answer that If-None-Match names.' };

export const PAGE: Operation = {
  tag: TAG,
  summary: 'The page',
  answers: [
    { status: 200, description: 'The document.', content: [{ kind: 'text', contentType: 'text/html' }] },
    unchanged,
  ],
  errors: [],
};

/** Names change with the contents of the files. */
export const PAGE_FILE: Operation = {
  tag: TAG,
  summary: 'A file of the page',
  documentedPath: '/assets/{name}',
  parameters: [{ name: 'name', place: 'path', description: 'As the page has it.', schema: z.string() }],
  answers: [
    { status: 200, description: 'The file.', content: [{ kind: 'text', contentType: '*/*' }] },
    unchanged,
  ],
  errors: [],
};

export const PAGE_STATUS: Operation = {
  tag: TAG,
  summary: 'What the page shows of the readers',
  answers: answeredWith(pageStatusSchema, 'For this version of the page: programs ask /status.'),
  errors: [],
};
