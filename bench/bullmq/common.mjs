// Shared by producer and workers: where Redis is, what the queue is called.
import IORedis from "ioredis";

export const QUEUE = "messages";

// A unix socket: the fastest way to a Redis on the same machine. Workers need maxRetriesPerRequest: null.
export function connect(options = {}) {
  return new IORedis({ path: process.env.BENCH_REDIS, maxRetriesPerRequest: null, ...options });
}

export function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
}
