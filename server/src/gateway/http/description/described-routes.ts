// The routes of an application together with what they say of themselves. A route that says nothing does not get past the start, so
// that no address is missing in the description of its port.
import type { FastifyInstance } from 'fastify';
import { Defect } from '../../../errors.js';
import type { Operation } from './operation.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

export interface DescribedRoute {
  readonly method: string;
  /** As the router has it. */
  readonly url: string;
  readonly operation: Operation;
}

/** Routes that are added from now on; the list grows with them. */
export function collectRoutes(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) {
      // The framework adds HEAD to every GET: the same without a body.
      if (one === 'HEAD') continue;
      const operation = config?.operation;
      if (operation === undefined)
        throw new Defect(`The route ${one} ${url} has no operation in its config, which describes it.`);
      routes.push({ method: one, url, operation });
    }
  });
  return routes;
}
