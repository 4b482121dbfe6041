// What a loaded model is, as data: everything the rest of the program must know beyond the tensors. The checkpoint readers
// produce it, conversion stores it in the GGUF pair, the reader and (its vision part) the gateway work from it.
import { z } from 'zod';

/** Preprocessing and geometry of the vision side; docs/llava.md, sections 3.1, 4 and 5, says what each decides. */
export const visionSettingsSchema = z.object({
  /** Side of a tile in pixels (336, 224; 112 in the demo model). */
  sidePx: z.int().min(1),
  /** Side of a patch in pixels. sidePx / patchPx patches per side. */
  patchPx: z.int().min(1),
  aspect: z.enum(['pad', 'square', 'anyres']),
  /** [width, height] in pixels, in the order that breaks ties. Empty unless aspect is anyres. */
  gridPinpoints: z.array(z.tuple([z.int().min(1), z.int().min(1)])),
  mergeType: z.enum(['flat', 'spatial', 'spatial_unpad']),
  /** Whether the class token stays in front of each tile's patches (`cls_patch`). */
  keepsClassToken: z.boolean(),
  /** Per-channel mean and standard deviation of the normalisation, RGB. */
  mean: z.tuple([z.number(), z.number(), z.number()]),
  std: z.tuple([z.number(), z.number(), z.number()]),
});
export type VisionSettings = z.infer<typeof visionSettingsSchema>;

/** Of a model elsewhere, which cuts images itself: it gets each as a PNG file. */
const wholeImageSchema = z.object({
  aspect: z.literal('whole'),
  /** Larger images are shrunk to so many. */
  maxPixels: z.int().min(1),
});
export type WholeImageSettings = z.infer<typeof wholeImageSchema>;

/** What images are prepared as. */
export const imageFormSchema = z.discriminatedUnion('aspect', [visionSettingsSchema, wholeImageSchema]);
export type ImageForm = z.infer<typeof imageFormSchema>;

/** Equal for models that images are prepared alike for. Parsing puts the fields into the order of the schema, whatever order they came in. */
export const visionKeyOf = (form: ImageForm): string => JSON.stringify(imageFormSchema.parse(form));

export const TEMPLATE_NAMES = [
  'vicuna_v1',
  'llava_v1',
  'llava_v0',
  'llava_llama_2',
  'mistral_instruct',
  'chatml_direct',
  'llava_llama_3',
  'phi_3',
  'plain',
  'mpt',
] as const;
export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** A chat template that the model brings along. */
const jinjaTemplateSchema = z.object({
  /** Its source, in Jinja. */
  jinja: z.string(),
  /** Where it was found: a file's name or a key of the metadata. */
  place: z.string(),
});
export type JinjaTemplate = z.infer<typeof jinjaTemplateSchema>;

/** How a conversation becomes a prompt: one of the fixed templates, or one in Jinja. */
export type TemplateSource = TemplateName | JinjaTemplate;

/** Spellings of special tokens, which chat templates print; null where the tokenizer has none. */
const tokenSpellingsSchema = z.object({
  bos: z.string().nullable(),
  eos: z.string().nullable(),
  unknown: z.string().nullable(),
  pad: z.string().nullable(),
});
export type TokenSpellings = z.infer<typeof tokenSpellingsSchema>;

/** A token outside the base vocabulary's normal pieces, matched literally in trusted text. */
const addedTokenSchema = z.object({
  id: z.int().min(0),
  content: z.string().min(1),
  /** Special tokens are removed from output; added but not special ones are printed. */
  special: z.boolean(),
  lstrip: z.boolean(),
  rstrip: z.boolean(),
});
export type AddedToken = z.infer<typeof addedTokenSchema>;

const tokenizerSettingsSchema = z.object({
  kind: z.enum(['sentencepiece', 'bpe']),
  /** SentencePiece dummy prefix after special tokens too (true), or only in front of the whole text (false). */
  legacy: z.boolean(),
  addBos: z.boolean(),
  /** Whether the dummy prefix is added at all. */
  addSpacePrefix: z.boolean(),
  /** SentencePiece drops blanks at the ends of a text and joins runs of them. Missing in descriptions of older versions. */
  removesExtraWhitespace: z.boolean().default(false),
  bosId: z.int().nullable(),
  /** Every id that ends generation. */
  eosIds: z.array(z.int()),
  /** Number of ids that exist for the tokenizer; rows beyond it never win. */
  tokenCount: z.int().min(1),
  addedTokens: z.array(addedTokenSchema),
  /** Missing in descriptions of older versions, whose models bring no chat template. */
  spellings: tokenSpellingsSchema.nullable().default(null),
});
export type TokenizerSettings = z.infer<typeof tokenizerSettingsSchema>;

export const modelDescriptionSchema = z.object({
  /** `LlavaLlamaForCausalLM` or `LlavaMistralForCausalLM`, in this spelling. */
  architecture: z.enum(['LlavaLlamaForCausalLM', 'LlavaMistralForCausalLM']),
  /** Positions the model can attend over: the smaller of its own limit and tokenizer_model_max_length. */
  contextTokens: z.int().min(1),
  template: z.union([z.enum(TEMPLATE_NAMES), jinjaTemplateSchema]),
  /** Why it is this one, for people. Missing in descriptions of older versions. */
  templateReason: z.string().default('stored in the file'),
  tokenizer: tokenizerSettingsSchema,
  /** Null for a text-only model. */
  vision: visionSettingsSchema.nullable(),
  /** Whether the image is wrapped in <im_start> and <im_end>. */
  wrapsImageInStartEnd: z.boolean(),
});
export type ModelDescription = z.infer<typeof modelDescriptionSchema>;
