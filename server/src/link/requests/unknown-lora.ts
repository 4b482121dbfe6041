import { InputError } from '../../errors.js';

/**
 * The refusal of an adapter that is not there. The gateway says it for a group; a reader for itself, whose adapters may have changed since
 * the gateway chose it.
 * @param owner whose adapters they are, such as `this reader`
 * @param loras that it has
 */
export function unknownLora(owner: string, loraId: string, loras: readonly string[]): InputError {
  const there = loras.length === 0 ? 'none' : loras.map((name) => JSON.stringify(name)).join(', ');
  return new InputError(
    'request.unknown_lora',
    `lora_id is ${JSON.stringify(loraId)}; the adapters of ${owner} are: ${there}. The operator names them in the setting loras of a reader.`,
  );
}
