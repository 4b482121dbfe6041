// The program's version, from the package it is part of.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** This relative path is right from src/ and from dist/. */
const PACKAGE_FILE = new URL('../../package.json', import.meta.url);

export const readVersion = (): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE_FILE, 'utf8'))).version;
