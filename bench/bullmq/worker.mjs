// One worker process: the same work a message toon costs — the value canonicalised and hashed. BullMQ has parsed it.
import { createHash } from "node:crypto";
import { Worker } from "bullmq";
import { QUEUE, serve, workerOptions } from "./common.mjs";

function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

await serve(new Worker(QUEUE, async (job) => createHash("sha256").update(canonical(job.data)).digest("hex"), workerOptions()));
