// Whether a reader takes requests, for the container's HEALTHCHECK: ends with 0 or 1 and says what the server answered. The port is that
// of TAKEOFF_PORT; where config.yaml sets another one, TAKEOFF_PORT must be set to it, too.
const port = process.env.TAKEOFF_PORT || '3000';
const TIMEOUT_MS = 4_000;

try {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  process.stdout.write(`${response.status}\n`);
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
