// The levels of the log, in the words of this program and of Takeoff's documentation.

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Python's names of log levels, which Takeoff's documentation uses. */
export const PYTHON_LOG_LEVELS = { warning: 'warn', critical: 'error' } as const;
