/** Exit code of a converting child that refused its image, with a sentence on standard error. */
export const REFUSED = 3;
