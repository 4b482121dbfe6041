// Parses the body of POST /v1/messages into a job, and that of POST /v1/messages/count_tokens, which is the same without an answer.
import { z } from 'zod';
import type { Constraint, Conversation } from '../../../../link/requests/messages.js';
import type { HttpLimits } from '../../connection/http-limits.js';
import { ConversationBuilder, MAX_MESSAGES } from '../../input/conversation-builder.js';
import {
  anything,
  flag,
  invalidField,
  isEmptyList,
  parseFields,
  parseList,
  requiredText,
  text,
} from '../../input/fields.js';
import {
  answerTokens,
  DEFAULT_MAX_TOKENS,
  describedStop,
  generationFields,
  imageTokenBudget,
  MAX_STOPS,
  toSampling,
} from '../../input/generation-fields.js';
import { describedModel } from '../../input/model-names.js';
import { toParsedRequest, type ParsedRequest } from '../../input/parsed-request.js';
import {
  describedRefusals,
  validateNoRefusedFields,
  type RefusedFields,
} from '../../input/refused-fields.js';
import { RequestImages } from '../../input/request-images.js';
import type { RequiredCall } from '../../input/required-call.js';
import { parseSchema } from '../../input/schema-field.js';
import { describedContent, parseContent, parseSystem, type MessageContext } from './message-content.js';
import { describedTools, parseRequiredCall } from './tools.js';

const formatSchema = z.object(
  { type: z.literal('json_schema', '"json_schema"'), schema: anything() },
  'an object with type and schema',
);

const messageRequestSchema = z.object(
  {
    model: text(),
    messages: anything(),
    system: anything(),
    max_tokens: answerTokens().describe(`${DEFAULT_MAX_TOKENS} where it is left out.`),
    temperature: generationFields.temperature,
    top_p: generationFields.top_p,
    top_k: generationFields.top_k,
    stop_sequences: anything(),
    stream: flag(),
    tools: anything(),
    tool_choice: anything(),
    output_config: z.object({ format: formatSchema.nullish() }, 'an object').nullish(),
    output_format: formatSchema.nullish(),
    cache_salt: text(),
    image_token_budget: imageTokenBudget(),
  },
  'a JSON object such as {"model": "primary", "max_tokens": 100, "messages": [{"role": "user", "content": "…"}]}',
);
type MessageRequest = z.output<typeof messageRequestSchema>;

const messageSchema = z.object(
  { role: requiredText(), content: anything() },
  'an object with role and content',
);

export const REFUSED_MESSAGE_FIELDS: RefusedFields = {
  thinking: {
    isHarmless: (value) => z.object({ type: z.literal('disabled') }).safeParse(value).success,
    why: 'LLaVA models answer without thinking first.',
  },
  mcp_servers: { isHarmless: isEmptyList, why: 'this server calls no tools by itself.' },
  container: { why: 'this server runs no code.' },
};

const describedFormat = formatSchema.extend({ schema: z.looseObject({}).describe('A JSON Schema.') });

/** The request as the description of the API tells it: what is parsed field by field has its whole shape there. */
export const describedMessageRequest = messageRequestSchema
  .extend({
    ...describedTools,
    model: describedModel,
    system: describedContent.system,
    messages: z
      .array(
        z.union([
          messageSchema.extend({ role: z.literal('user'), content: describedContent.user }),
          messageSchema.extend({ role: z.literal('assistant'), content: describedContent.assistant }),
          messageSchema.extend({ role: z.literal('system'), content: describedContent.system }),
        ]),
      )
      .min(1)
      .max(MAX_MESSAGES)
      .describe("System messages aside, the last one is not the assistant's."),
    stop_sequences: z.array(describedStop).max(MAX_STOPS).nullish(),
    output_config: z.object({ format: describedFormat.nullish() }).nullish(),
    output_format: describedFormat.nullish().describe('The older name of output_config.format.'),
  })
  .extend(describedRefusals(REFUSED_MESSAGE_FIELDS))
  .meta({ id: 'AnthropicMessageRequest' });

export interface ParsedMessages extends ParsedRequest {
  /** Null where the answer is text. */
  readonly call: RequiredCall | null;
}

/** @throws InputError */
export function parseMessageRequest(body: unknown, limits: HttpLimits): ParsedMessages {
  const request = parseFields(messageRequestSchema, body);
  validateNoRefusedFields(body, REFUSED_MESSAGE_FIELDS);
  const call = parseRequiredCall(request);
  const images = new RequestImages(limits);
  const conversation = parseMessages(request, images, limits);
  const sampling = toSampling(
    {
      temperature: request.temperature,
      top_p: request.top_p,
      top_k: request.top_k,
      stop: request.stop_sequences,
    },
    {
      answerCount: 1,
      maxNewTokens: request.max_tokens ?? DEFAULT_MAX_TOKENS,
      topLogprobs: null,
      stopField: 'stop_sequences',
    },
  );
  const parsed = toParsedRequest(request, {
    prompts: [conversation],
    images: images.sources,
    // Stop sequences are for text: arguments that one cut would be no JSON.
    sampling: call === null ? sampling : { ...sampling, stop: [] },
    // A call leaves no text that could have a format.
    constraint: call?.constraint ?? formatOf(request),
  });
  return { ...parsed, call };
}

function formatOf({ output_config: config, output_format: older }: MessageRequest): Constraint | null {
  if (config?.format != null) return parseSchema(config.format.schema, 'output_config.format.schema');
  return older == null ? null : parseSchema(older.schema, 'output_format.schema');
}

function parseMessages(
  { messages, system }: MessageRequest,
  images: RequestImages,
  limits: HttpLimits,
): Conversation {
  const conversation = new ConversationBuilder();
  const context: MessageContext = { images, calls: new Map() };
  const said = parseSystem(system, 'system');
  if (said !== '') conversation.addSystem(said);
  parseList(messages, MAX_MESSAGES, 'messages', 'messages').forEach((given, index) => {
    const place = `messages[${index}]`;
    const { role, content } = parseFields(messageSchema, given, place);
    if (role === 'system') {
      conversation.addSystem(parseSystem(content, `${place}.content`));
      return;
    }
    if (role !== 'user' && role !== 'assistant')
      throw invalidField(`${place}.role`, role, 'user, assistant or system');
    conversation.add(role, parseContent(content, `${place}.content`, role, context));
  });
  return conversation.finish('messages', limits);
}
