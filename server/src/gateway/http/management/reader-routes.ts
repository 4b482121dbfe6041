// Readers that come and go: POST /reader, PATCH and DELETE /reader/:reader_id, GET /config/:reader_id and GET /reader_groups.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readerKeysSchema, type AddedReader, type ReaderConfig, type ReaderGroups } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import type { ReaderQuestions } from '../../answer/reader-questions.js';
import type { ReaderControl, ReaderKeys } from '../../readers/reader-administration.js';
import type { ReadersView } from '../../readers/readers-view.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { BodyReader } from '../connection/read-body.js';
import type { Operation } from '../description/operation.js';
import { changeGuard, type ChangeGuardOptions } from './change-guard.js';
import {
  ADD_READER,
  CHANGE_READER,
  READER_CONFIG,
  READER_GROUPS,
  REMOVE_READER,
} from './management-operations.js';
import { readerSettingsSchema } from './reader-settings-schema.js';
import { readerGroups } from './status-answer.js';

export interface ReaderRouteOptions extends ChangeGuardOptions {
  readonly readers: ReadersView;
  readonly control: ReaderControl;
  readonly questions: ReaderQuestions;
  readonly readBody: BodyReader;
}

interface ReaderRoute {
  Params: { readonly reader_id: string };
}

interface RemoveRoute extends ReaderRoute {
  Querystring: { readonly force?: unknown };
}

export async function addReaderRoutes(app: FastifyInstance, options: ReaderRouteOptions): Promise<void> {
  const { readers, control, readBody } = options;
  const onRequest = changeGuard(options);
  const changing = (operation: Operation) => ({ onRequest, config: { operation } });
  app.get('/reader_groups', { config: { operation: READER_GROUPS } }, (): ReaderGroups =>
    readerGroups(readers),
  );
  app.get<ReaderRoute>('/config/:reader_id', { config: { operation: READER_CONFIG } }, async ({ params }) =>
    configOf(params.reader_id, options),
  );
  await app.register((json, _options, done) => {
    addEncodingCheck(json);
    addJsonParser(json, readBody);
    json.post('/reader', changing(ADD_READER), async (request, reply): Promise<AddedReader> => {
      const shown = await control.add(keysOf(request));
      void reply.code(201);
      return addedReader(shown);
    });
    json.patch<ReaderRoute>(
      '/reader/:reader_id',
      changing(CHANGE_READER),
      async (request): Promise<AddedReader> => {
        return addedReader(await control.change(request.params.reader_id, keysOf(request)));
      },
    );
    // Here, too, so that clients which send a body with it are not refused.
    json.delete<RemoveRoute>(
      '/reader/:reader_id',
      changing(REMOVE_READER),
      async ({ params, query }, reply) => {
        await control.remove(params.reader_id, isForced(query.force) ? 'at-once' : 'drained');
        return reply.code(204).send();
      },
    );
    done();
  });
}

const addedReader = (shown: ReaderKeys): AddedReader => ({ ...shown, reader_id: String(shown['reader_id']) });

/** The model's own config.json, as Takeoff has it, and the settings of the reader beside it. */
async function configOf(
  readerId: string,
  { control, questions, readers }: ReaderRouteOptions,
): Promise<ReaderConfig> {
  const takeoff = control.settingsOf(readerId);
  const isLive = readers
    .readers()
    .some((reader) => reader.readerId === readerId && reader.state.kind === 'live');
  if (!isLive) return { takeoff };
  const { json } = await questions.askReader<'model_config'>(readerId, { kind: 'model_config' });
  const config = readerKeysSchema.safeParse(json === null ? {} : JSON.parse(json));
  return { ...config.data, takeoff };
}

function keysOf(request: FastifyRequest): ReaderKeys {
  const parsed = readerSettingsSchema.safeParse(jsonBodyOf(request));
  if (parsed.success) return parsed.data;
  throw new InputError(
    'request.wrong_shape',
    'The request must be a JSON object with the settings of a reader, such as {"model_name": "…", "device": "cpu"}.',
    { cause: parsed.error },
  );
}

function isForced(force: unknown): boolean {
  if (force === undefined || force === 'false') return false;
  if (force === 'true' || force === '') return true;
  throw new InputError('request.out_of_range', 'force in the query is neither true nor false.');
}
