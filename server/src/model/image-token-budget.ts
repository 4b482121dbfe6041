// At most how many rows of a prompt an image takes. What sets it: a request, else the reader's setting.
import { z } from 'zod';

/** `full`: all that the model has of the image. */
export const imageTokenBudgetSchema = z.union([z.int().min(1), z.literal('full')]);
export type ImageTokenBudget = z.infer<typeof imageTokenBudgetSchema>;
