// Two network namespaces: one in which the server runs, and one that is the internet to it. Every address but the server's own is
// routed to the internet, which has all of them, so that every connection of the server is answered and recorded.
import type { Server as TcpServer } from 'node:net';
import { RunningServer } from '../../harness/running-server.js';
import { Namespace, ip } from './namespace.js';
import { NameServer } from './name-server.js';

/** Addresses of the ranges for documentation, which no real network has. */
const NAME_SERVER = '198.51.100.53';
const SERVER_ADDRESS = '203.0.113.2';
const SERVER_ADDRESS_6 = '3fff::2';
const SERVER_MAC = '02:00:00:00:00:02';
const INTERNET_MAC = '02:00:00:00:00:01';

let worlds = 0;

export class World {
  /** Address of the server's namespace to which the test connects. */
  readonly serverAddress: string;
  readonly server: Namespace;
  readonly internet: Namespace;
  readonly #started: Promise<RunningServer>[] = [];

  constructor() {
    // The link's name and addresses depend on the process id, so that test processes do not collide, and on how many there were before,
    // because the kernel takes links away some time after their namespaces. 198.18.0.0/15 is for measurements.
    const number = worlds++;
    const link = ((process.pid + 4099 * number) & 0x7fff) * 2;
    const address = (end: number) => `198.19.${link >> 8}.${(link & 0xff) + end}`;
    this.serverAddress = address(1);
    this.server = Namespace.make('server', NAME_SERVER);
    this.internet = Namespace.make('internet', NAME_SERVER);
    try {
      this.#joinInternet();
      this.#joinTest(`tk${process.pid}x${number}`, address(0));
    } catch (error) {
      this.#removeNamespaces();
      throw error;
    }
  }

  /** Both neighbours are entered by hand, so that the kernel sends no packets of its own over the link. */
  #joinInternet(): void {
    const { server, internet } = this;
    server.ip(
      `link add internet address ${SERVER_MAC} type veth peer name server address ${INTERNET_MAC} netns ${internet.name}`,
    );
    server.ip(`address add ${SERVER_ADDRESS}/32 dev internet`);
    server.ip(`address add ${SERVER_ADDRESS_6}/128 dev internet nodad`);
    server.ip('link set internet up');
    internet.ip('link set server up');
    for (const [gateway, family] of [
      [NAME_SERVER, '-4'],
      ['3fff::1', '-6'],
    ] as const) {
      server.ip(`${family} neighbour add ${gateway} lladdr ${INTERNET_MAC} dev internet nud permanent`);
      server.ip(`${family} route add ${gateway} dev internet`);
      server.ip(`${family} route add default via ${gateway} dev internet`);
    }
    for (const [address, family] of [
      [SERVER_ADDRESS, '-4'],
      [SERVER_ADDRESS_6, '-6'],
    ] as const) {
      internet.ip(`${family} neighbour add ${address} lladdr ${SERVER_MAC} dev server nud permanent`);
      internet.ip(`${family} route add ${address} dev server table local`);
      internet.ip(`${family} route add local default dev lo table local`);
    }
  }

  #joinTest(own: string, ownAddress: string): void {
    ip(`link add ${own} type veth peer name test netns ${this.server.name}`);
    ip(`address add ${ownAddress}/31 dev ${own}`);
    ip(`link set ${own} up`);
    this.server.ip(`address add ${this.serverAddress}/31 dev test`);
    this.server.ip('link set test up');
  }

  async nameServer(): Promise<NameServer> {
    return new NameServer(await this.internet.bind(NAME_SERVER, 53));
  }

  /** A server with the echo reader, which needs no model. */
  startServer(env: Readonly<Record<string, string>>): Promise<RunningServer> {
    const starting = RunningServer.start({
      env: { TAKEOFF_ECHO: 'true', ...env },
      host: this.serverAddress,
      within: this.server.within,
    });
    this.#started.push(starting);
    return starting;
  }

  /**
   * IP packets that the server's namespace has sent to the internet, but for IPv6 multicasts: those are the kernel's, to find
   * routers and neighbours, and no connection begins with one.
   */
  packetsSent(): number {
    const [names = '', values = ''] = this.internet.read('/proc/net/snmp').split('\n');
    const ipv4 = Number(values.split(' ')[names.split(' ').indexOf('InReceives')]);
    const ipv6 = this.server.read('/proc/net/dev_snmp6/internet');
    const count = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)$`, 'mu').exec(ipv6)?.[1]);
    return ipv4 + count('Ip6OutRequests') - count('Ip6OutMcastPkts');
  }

  /** Removes the namespaces, after their servers have stopped. */
  async remove(): Promise<void> {
    for (const start of await Promise.allSettled(this.#started)) {
      if (start.status === 'fulfilled') await start.value.stop();
    }
    this.#removeNamespaces();
  }

  /** The links end with the namespaces. */
  #removeNamespaces(): void {
    this.server.remove();
    this.internet.remove();
  }
}

/** Addresses that connections to these servers were made to, in order. */
export function recordDialled(...servers: readonly TcpServer[]): string[] {
  const dialled: string[] = [];
  for (const server of servers) {
    server.on('connection', (socket) => {
      dialled.push((socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/u, ''));
      socket.on('error', () => undefined);
    });
  }
  return dialled;
}
