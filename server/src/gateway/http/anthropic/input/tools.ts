// The tools that a request describes, and which of them the answer must use. What must be used is a constraint; tools that the model may
// leave alone are validated only.
import { z } from 'zod';
import {
  anything,
  invalidField,
  isEmptyList,
  parseFields,
  parseList,
  requiredText,
  text,
  unsupportedField,
} from '../../input/fields.js';
import {
  argumentsOf,
  argumentsSchema,
  MAX_TOOLS,
  requiredCall,
  type RequiredCall,
} from '../../input/required-call.js';

const NAME = 'a name of 1 to 128 letters, digits, _ and -';
export const toolName = () => z.string(NAME).regex(/^[a-zA-Z0-9_-]{1,128}$/u, NAME);

const toolSchema = z.object(
  { type: text(), name: toolName(), description: text(), input_schema: anything() },
  'an object with name and input_schema',
);
const choiceSchema = z.object({ type: requiredText(), name: text() }, 'an object with a type');

/** `tools` and `tool_choice` as the description of the API tells them. */
export const describedTools = {
  tools: z
    .array(
      toolSchema.extend({ type: z.literal('custom').nullish(), input_schema: argumentsSchema.nullish() }),
    )
    .max(MAX_TOOLS)
    .nullish(),
  tool_choice: z
    .union([
      z.object({ type: z.enum(['auto', 'any', 'none']) }),
      z.object({ type: z.literal('tool'), name: z.string() }),
    ])
    .nullish(),
};

interface ToolFields {
  readonly tools?: unknown;
  readonly tool_choice?: unknown;
}

/**
 * Null where the answer is text.
 * @throws InputError
 */
export function parseRequiredCall({ tools: given, tool_choice: choice }: ToolFields): RequiredCall | null {
  const tools = parseTools(given);
  if (choice === null || choice === undefined) return null;
  const { type, name } = parseFields(choiceSchema, choice, 'tool_choice');
  switch (type) {
    case 'auto':
    case 'none':
      return null;
    case 'any':
      return requiredCall(tools);
    case 'tool': {
      const named = tools.filter((tool) => tool.name === name);
      if (named.length > 0) return requiredCall(named.slice(0, 1));
      throw invalidField('tool_choice.name', name, 'the name of one of the tools');
    }
    default:
      throw invalidField('tool_choice.type', type, 'auto, any, tool or none');
  }
}

function parseTools(tools: unknown) {
  if (tools === null || tools === undefined || isEmptyList(tools)) return [];
  return parseList(tools, MAX_TOOLS, 'tools', 'tools').map((tool, index) => {
    const place = `tools[${index}]`;
    const { type, name, input_schema: parameters } = parseFields(toolSchema, tool, place);
    if (type != null && type !== 'custom')
      throw unsupportedField(`${place}.type`, 'this server has none of the tools that Anthropic defines.');
    return { name, constraint: argumentsOf(parameters, `${place}.input_schema`) };
  });
}
