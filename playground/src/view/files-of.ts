// Files out of what was dropped or pasted.

/** Null where no file is in it; text that is pasted is not our business. */
export const firstImageOf = (transfer: DataTransfer | null): File | null => transfer?.files[0] ?? null;
