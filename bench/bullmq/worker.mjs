// One worker process: the same work a message toon costs — the value canonicalised and hashed. BullMQ has parsed it.
import { createHash } from "node:crypto";
import { Worker } from "bullmq";
import { QUEUE, connect, option } from "./common.mjs";

function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

const worker = new Worker(
  QUEUE,
  async (job) => createHash("sha256").update(canonical(job.data)).digest("hex"),
  {
    connection: connect({ enableAutoPipelining: true }),
    concurrency: Number(option("concurrency", "50")),
    // No job here takes long enough to need its lock renewed or to stall.
    lockDuration: 300_000,
    skipLockRenewal: true,
    skipStalledCheck: true,
  },
);
await worker.waitUntilReady();
process.stdout.write("ready\n");
process.on("SIGTERM", async () => {
  await worker.close(true);
  process.exit(0);
});
