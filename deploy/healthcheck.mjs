// For HEALTHCHECK: exit code 0 when the service of this container is ready.
const { PORT = "8000" } = process.env;
const answer = await fetch(`http://127.0.0.1:${PORT}/health/ready`, {
  signal: AbortSignal.timeout(2500),
}).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
