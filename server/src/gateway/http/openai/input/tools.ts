// The functions that a request describes (`tools`), and which of them the answer must call (`tool_choice`). OpenAI's two APIs nest
// the same facts differently. What must be called is a constraint; functions that the model may leave alone are validated only.
import { z } from 'zod';
import type { JsonSchemaConstraint } from '../../../../link/requests/messages.js';
import {
  anything,
  flag,
  identifier,
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

export type ToolDialect = 'chat' | 'responses';

export interface FunctionTool {
  readonly name: string;
  readonly description: string | null;
  /** As the request has them. */
  readonly parameters: unknown;
  readonly strict: boolean | null;
  readonly constraint: JsonSchemaConstraint;
}

export interface ToolFields {
  readonly tools?: unknown;
  readonly tool_choice?: unknown;
}

const MAX_SHOWN_NAMES = 10;

const typed = z.object({ type: requiredText() }, 'an object with a type');
const inFunction = z.object({ function: anything() });
const functionSchema = z.object(
  { name: identifier(), description: text(), parameters: anything(), strict: flag() },
  'an object with a name',
);
const named = z.object({ name: requiredText() }, 'an object with a name');
const MODE = 'auto or required';
const allowedTools = z.object(
  { mode: z.enum(['auto', 'required'], MODE), tools: anything() },
  'an object with mode and tools',
);
const inAllowedTools = z.object({ allowed_tools: anything() });

const describedFunction = functionSchema.extend({ parameters: argumentsSchema.nullish() });
const functionType = { type: z.literal('function') };
const modes = z.enum(['none', 'auto', 'required']);
const allowed = <Reference extends z.ZodType>(reference: Reference) =>
  allowedTools.extend({ tools: z.array(reference).min(1).max(MAX_TOOLS) });
const namedFunction = {
  chat: z.object({ ...functionType, function: named }),
  responses: named.extend(functionType),
};

/** `tools` and `tool_choice` as the description of the API tells them. */
export const describedTools = {
  chat: {
    tools: z
      .array(z.object({ ...functionType, function: describedFunction }))
      .max(MAX_TOOLS)
      .nullish(),
    tool_choice: z
      .union([
        modes,
        namedFunction.chat,
        z.object({ type: z.literal('allowed_tools'), allowed_tools: allowed(namedFunction.chat) }),
      ])
      .nullish(),
  },
  responses: {
    tools: z.array(describedFunction.extend(functionType)).max(MAX_TOOLS).nullish(),
    tool_choice: z
      .union([
        modes,
        namedFunction.responses,
        allowed(namedFunction.responses).extend({ type: z.literal('allowed_tools') }),
      ])
      .nullish(),
  },
} as const;

/** @throws InputError */
export function parseTools(tools: unknown, dialect: ToolDialect): readonly FunctionTool[] {
  if (tools === null || tools === undefined || isEmptyList(tools)) return [];
  return parseList(tools, MAX_TOOLS, 'tools', 'tools').map((tool, index) => {
    const place = `tools[${index}]`;
    const { type } = parseFields(typed, tool, place);
    if (type !== 'function')
      throw unsupportedField(
        `${place}.type`,
        `this server has functions, and no tool of the type ${shown(type)}.`,
      );
    return parseFunction(...memberIn(dialect, tool, place));
  });
}

/**
 * Null where the answer is text.
 * @throws InputError
 */
export function parseToolChoice(
  choice: unknown,
  functions: readonly FunctionTool[],
  dialect: ToolDialect,
): RequiredCall | null {
  const callable = callableFunctions(choice, functions, dialect);
  if (callable === null) return null;
  return requiredCall(callable);
}

/** Null where none has to be called. */
function callableFunctions(
  choice: unknown,
  functions: readonly FunctionTool[],
  dialect: ToolDialect,
): readonly FunctionTool[] | null {
  if (choice === null || choice === undefined || choice === 'none' || choice === 'auto') return null;
  if (choice === 'required') return functions;
  if (typeof choice === 'string')
    throw invalidField('tool_choice', choice, 'none, auto, required, or an object that names a function');
  const { type } = parseFields(typed, choice, 'tool_choice');
  switch (type) {
    case 'function':
      return [referredFunction(choice, 'tool_choice', functions, dialect)];
    case 'allowed_tools':
      return allowedFunctions(choice, functions, dialect);
    default:
      throw unsupportedField(
        'tool_choice.type',
        `this server has functions, and no tool of the type ${shown(type)}.`,
      );
  }
}

function allowedFunctions(
  choice: unknown,
  functions: readonly FunctionTool[],
  dialect: ToolDialect,
): readonly FunctionTool[] | null {
  const place = dialect === 'chat' ? 'tool_choice.allowed_tools' : 'tool_choice';
  const given =
    dialect === 'chat' ? parseFields(inAllowedTools, choice, 'tool_choice').allowed_tools : choice;
  const { mode, tools } = parseFields(allowedTools, given, place);
  const allowed = parseList(tools, MAX_TOOLS, `${place}.tools`, 'tools').map((tool, index) =>
    referredFunction(tool, `${place}.tools[${index}]`, functions, dialect),
  );
  return mode === 'auto' ? null : [...new Set(allowed)];
}

function referredFunction(
  reference: unknown,
  place: string,
  functions: readonly FunctionTool[],
  dialect: ToolDialect,
): FunctionTool {
  const [member, memberPlace] = memberIn(dialect, reference, place);
  const { name } = parseFields(named, member, memberPlace);
  const found = functions.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = functions.slice(0, MAX_SHOWN_NAMES).map((one) => one.name);
  throw invalidField(`${memberPlace}.name`, name, `the name of a function in tools (${names.join(', ')})`);
}

/** What describes or names a function, and where it stands: chat completions put it one level deeper. */
function memberIn(dialect: ToolDialect, tool: unknown, place: string): [member: unknown, place: string] {
  if (dialect === 'responses') return [tool, place];
  return [parseFields(inFunction, tool, place).function, `${place}.function`];
}

function parseFunction(described: unknown, place: string): FunctionTool {
  const {
    name,
    description = null,
    parameters,
    strict = null,
  } = parseFields(functionSchema, described, place);
  const field = `${place}.parameters`;
  return {
    name,
    description,
    parameters: parameters ?? null,
    strict,
    constraint: argumentsOf(parameters, field),
  };
}

const shown = (type: string): string => JSON.stringify(type.slice(0, MAX_SHOWN_NAMES * 4));
