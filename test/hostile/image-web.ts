// The setting of the tests of remote images: one image server on this machine and two gateways, of which one may fetch from it.
// Records of dialled connections leave out the gateways' own ports, which the tests themselves connect to.
import { expect } from 'vitest';
import { generate, tag, type Answer } from './asking.js';
import { photograph } from './files/valid.js';
import { dialledDuring, startLocalGateway, type Dialled, type LocalGateway } from './local-gateway.js';
import { LocalServers } from './local-servers.js';

/** A host in remote_image_allowlist. It stands for a public host, although it is on this machine. */
export const PUBLIC = 'images.test';
/** The message for a refused address, a name that does not exist and a host that does not answer; they must not differ. */
export const UNREACHABLE = 'text: The image URL could not be fetched: its host cannot be reached.';

export interface ImageWeb {
  /** Port of the image server. /to?URL redirects to URL, /missing answers 404, /html is no image, every other path is an image. */
  readonly port: number;
  /** Paths that the image server was asked for. */
  readonly visits: readonly string[];
  forgetVisits(): void;
  /** A gateway with the defaults: remote images are off. */
  readonly off: LocalGateway;
  readonly on: LocalGateway;
  /** A URL of the image server. */
  page(path: string): string;
  /** Sends a prompt with this image to the gateway that may fetch. */
  ask(address: string): Promise<Answer>;
  dialledDuring(work: () => Promise<unknown>): Promise<Dialled[]>;
  /** Like `ask`, and fails if anything was dialled meanwhile. */
  askUndialled(address: string): Promise<Answer>;
  close(): Promise<void>;
}

/** A gateway that may fetch from PUBLIC. */
export async function startFetchingGateway(
  settings: Readonly<Record<string, string>>,
): Promise<LocalGateway> {
  const gateway = await startLocalGateway({
    allow_remote_images: 'true',
    remote_image_allowlist: PUBLIC,
    ...settings,
  });
  gateway.names.set(PUBLIC, ['127.0.0.1']);
  return gateway;
}

export async function startImageWeb(): Promise<ImageWeb> {
  const servers = new LocalServers();
  const visits: string[] = [];
  const port = await startImageServer(servers, visits);
  const off = await startLocalGateway();
  const on = await startFetchingGateway({
    remote_image_ports: `80,443,${port}`,
    remote_image_timeout_ms: '30000',
    remote_image_max_bytes: '100000',
    max_images_per_prompt: '3',
  });
  const ownPorts = [on, off].flatMap(({ url, managementUrl, openaiUrl }) =>
    [url, managementUrl, openaiUrl].map((text) => Number(new URL(text).port)),
  );
  const ask = (address: string): Promise<Answer> =>
    generate(on.url, { text: `${tag(address)} what is this?` });
  return {
    port,
    visits,
    forgetVisits: () => void visits.splice(0),
    off,
    on,
    page: (path) => `http://${PUBLIC}:${port}${path}`,
    ask,
    dialledDuring: (work) => dialledDuring(ownPorts, work),
    askUndialled: async (address) => {
      const answers: Answer[] = [];
      const dialled = await dialledDuring(ownPorts, async () => answers.push(await ask(address)));
      expect(dialled, address).toEqual([]);
      return answers[0]!;
    },
    close: async () => {
      await on.close();
      await off.close();
      servers.close();
    },
  };
}

function startImageServer(servers: LocalServers, visits: string[]): Promise<number> {
  const jpeg = photograph();
  return servers.http((request, response) => {
    const url = request.url ?? '';
    visits.push(url);
    if (url.startsWith('/to?')) response.writeHead(302, { location: decodeURI(url.slice(4)) }).end();
    else if (url.startsWith('/missing')) response.writeHead(404).end('nothing here');
    else if (url.startsWith('/html')) response.end('<!doctype html><title>not an image</title>');
    else response.end(jpeg);
  });
}
