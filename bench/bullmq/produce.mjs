// Adds every line of a file as a job and waits until all of them are completed; prints {"addSeconds","seconds"}.
// With --latency N: adds one small job N times, waiting for each, and prints {"milliseconds":[...]}.
import { readFileSync } from "node:fs";
import { Queue, QueueEvents } from "bullmq";
import { QUEUE, connect, option } from "./common.mjs";

const BULK = 2000; // jobs an addBulk, IN_FLIGHT of them at once
const IN_FLIGHT = 4;
const POLL_MS = 10;

const connection = connect();
const queue = new Queue(QUEUE, { connection });
await queue.waitUntilReady();

async function add(payloads) {
  const next = { at: 0 };
  const lane = async () => {
    while (next.at < payloads.length) {
      const from = next.at;
      next.at += BULK;
      // Results are kept, as Ubertoons keeps them.
      await queue.addBulk(payloads.slice(from, from + BULK).map((data) => ({ name: "message", data, opts: { removeOnComplete: false } })));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function throughput(file) {
  const payloads = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  const started = performance.now();
  await add(payloads);
  const added = performance.now();
  while ((await queue.getJobCountByTypes("completed")) < payloads.length) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { addSeconds: (added - started) / 1000, seconds: (performance.now() - started) / 1000 };
}

async function latency(count) {
  const events = new QueueEvents(QUEUE, { connection: connect() });
  await events.waitUntilReady();
  const milliseconds = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    const job = await queue.add("message", { hello: "world", n: i }, { removeOnComplete: false });
    await job.waitUntilFinished(events);
    milliseconds.push(performance.now() - started);
  }
  await events.close();
  return { milliseconds };
}

const count = Number(option("latency", "0"));
console.log(JSON.stringify(count > 0 ? await latency(count) : await throughput(option("file"))));
await queue.close();
connection.disconnect();
process.exit(0);
