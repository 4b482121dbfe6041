// Where a model can compute, in the words of the setting `device`.

export const DEVICES = ['cpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];
