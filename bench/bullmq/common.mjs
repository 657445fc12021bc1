// Shared by producers and workers: where Redis is, what the queue is called, how work is added and awaited.
import IORedis from "ioredis";

export const QUEUE = "messages";
const BULK = 2000; // jobs an addBulk, IN_FLIGHT of them at once
const IN_FLIGHT = 4;
const POLL_MS = 10;

// A unix socket: the fastest way to a Redis on the same machine. Workers need maxRetriesPerRequest: null.
export function connect(options = {}) {
  return new IORedis({ path: process.env.BENCH_REDIS, maxRetriesPerRequest: null, ...options });
}

export function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
}

// What every worker is given. No job here takes long enough to need its lock renewed or to stall.
export function workerOptions() {
  return {
    connection: connect({ enableAutoPipelining: true }),
    concurrency: Number(option("concurrency", "50")),
    lockDuration: 300_000,
    skipLockRenewal: true,
    skipStalledCheck: true,
  };
}

// Says that the worker is up, and ends it when asked.
export async function serve(worker) {
  await worker.waitUntilReady();
  process.stdout.write("ready\n");
  process.on("SIGTERM", async () => {
    await worker.close(true);
    process.exit(0);
  });
}

export async function addAll(queue, payloads) {
  const next = { at: 0 };
  const lane = async () => {
    while (next.at < payloads.length) {
      const from = next.at;
      next.at += BULK;
      // Results are kept, as Ubertoons keeps them.
      await queue.addBulk(payloads.slice(from, from + BULK).map((data) => ({ name: "toon", data, opts: { removeOnComplete: false } })));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

// Resolves when so many jobs have been completed since the queue was made; rejects at the first that failed.
export async function untilCompleted(queue, count) {
  for (;;) {
    const found = await queue.getJobCounts("completed", "failed");
    if (found.failed > 0) throw new Error((await queue.getFailed(0, 0))[0].failedReason);
    if (found.completed >= count) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
