// The port that KEDA asks for the length of queues, its external scaler over gRPC. Loaded only where `internal_port` is set. Tells numbers
// and names of metrics and nothing of requests; takes no key, because KEDA has none to send. A gateway that does not know how much waits
// says so: a zero would end readers.
import {
  Server,
  ServerCredentials,
  logVerbosity,
  setLogVerbosity,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
} from '@grpc/grpc-js';
import { ConfigError, InputError } from '../../errors.js';
import { isRedisTrouble } from '../../link/redis/redis-connection.js';
import { metricSpecs, metricValues, parseTrigger, type Demand } from './scaler-answers.js';
import { metadataOf, metricsAskedFor, scalerService } from './scaler-protocol.js';

export interface ScalerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly demand: Demand;
  readonly onWarning: (message: string) => void;
}

export interface RunningScaler {
  readonly port: number;
  /** Ends open streams, too. */
  close(): void;
}

/** How often a stream looks whether its group has become active. */
const LOOK_MS = 1_000;

const LIMITS = {
  // Names and metadata of one object; a KEDA has one connection for all of them.
  'grpc.max_receive_message_length': 64 * 1024,
  'grpc.max_concurrent_streams': 256,
  // Who is gone without a word is noticed.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
};

/** @throws ConfigError when the port cannot be listened on */
export async function openScaler(options: ScalerOptions): Promise<RunningScaler> {
  // What matters of its errors comes back to us, and the log of the server has a form of its own.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(LIMITS);
  server.addService(scalerService(), {
    IsActive: answering(options, async (request) => {
      const { consumerGroup } = parseTrigger(metadataOf(request));
      return { result: (await options.demand(consumerGroup)) > 0 };
    }),
    StreamIsActive: streamingActivity(options),
    GetMetricSpec: answering(options, (request) => metricSpecs(parseTrigger(metadataOf(request)))),
    GetMetrics: answering(options, async (request) => {
      const { metadata, metricName } = metricsAskedFor(request);
      return metricValues(metricName, await options.demand(parseTrigger(metadata).consumerGroup));
    }),
  });
  const port = await bind(server, options);
  return { port, close: () => server.forceShutdown() };
}

function bind(server: Server, { host, port }: ScalerOptions): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else {
        const sentence = `internal_port is ${port} on host ${host}, which cannot be listened on: ${error.message}.`;
        reject(new ConfigError(sentence, { cause: error }));
      }
    });
  });
}

function answering(
  { onWarning }: ScalerOptions,
  answer: (request: unknown) => object | Promise<object>,
): handleUnaryCall<unknown, object> {
  return ({ request }, callback) => {
    // A throw of `answer` itself is a rejection, too.
    void (async () => answer(request))().then(
      (value) => callback(null, value),
      (error: unknown) => callback(refusalOf(error, onWarning)),
    );
  };
}

/** Whether the group has anything to do: at once, and whenever that changes. */
function streamingActivity({
  demand,
  onWarning,
}: ScalerOptions): handleServerStreamingCall<unknown, { readonly result: boolean }> {
  return (call) => {
    let told: boolean | undefined;
    const look = async (): Promise<void> => {
      try {
        const { consumerGroup } = parseTrigger(metadataOf(call.request));
        const result = (await demand(consumerGroup)) > 0;
        if (result === told || call.cancelled) return;
        told = result;
        call.write({ result });
      } catch (error) {
        // What was told stays true until Redis says otherwise.
        if (!isRedisTrouble(error)) call.emit('error', refusalOf(error, onWarning));
      }
    };
    let looking: Promise<void> | undefined;
    const timer = setInterval(() => lookOnce(), LOOK_MS);
    const lookOnce = (): void => {
      // A slow Redis is not asked more and more.
      looking ??= look().finally(() => {
        looking = undefined;
      });
    };
    const stop = (): void => clearInterval(timer);
    call.on('cancelled', stop);
    call.on('finish', stop);
    lookOnce();
  };
}

/** The status that an error is for KEDA, which logs its text. */
function refusalOf(error: unknown, onWarning: (message: string) => void) {
  if (error instanceof InputError) return { code: status.INVALID_ARGUMENT, details: error.message };
  if (isRedisTrouble(error)) return { code: status.UNAVAILABLE, details: error.message };
  onWarning(`an answer to the autoscaler failed: ${error instanceof Error ? error.message : String(error)}`);
  return { code: status.INTERNAL, details: 'The gateway failed; its log has the details.' };
}
