// Names that training leaves around a model's own when a wrapped model is saved: `module.` of DataParallel and DeepSpeed, `base_model.model.`
// of PEFT in front, `_orig_mod.` of torch.compile and FSDP's around any part. They say nothing about the weights.
const IN_FRONT = /^(?:module|base_model\.model)\./;
const ANYWHERE = /(?<=^|\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\./g;

/** The name inside all wrappers. */
export function unwrappedName(name: string): string {
  let inner = name.replace(ANYWHERE, '');
  while (IN_FRONT.test(inner)) inner = inner.replace(IN_FRONT, '');
  return inner;
}

/** The warning for names that were unwrapped; undefined where none is. */
export function wrapperWarning(names: Iterable<string>): string | undefined {
  const wrapped = [...names].filter((name) => unwrappedName(name) !== name);
  const [example] = wrapped;
  if (example === undefined) return undefined;
  return `${wrapped.length} tensors have names of a wrapper that the model was trained in; it is left out, as ${example} is read as ${unwrappedName(example)}.`;
}
