// Adds every line of a file as a job and waits until all of them are completed; prints {"addSeconds","seconds"}.
// With --latency N: adds one small job N times, waiting for each, and prints {"milliseconds":[...]}.
// With --warm FILE: the jobs of that file run first, outside the clock.
import { readFileSync } from "node:fs";
import { Queue, QueueEvents } from "bullmq";
import { QUEUE, addAll, connect, option, untilCompleted } from "./common.mjs";

const connection = connect();
const queue = new Queue(QUEUE, { connection });
await queue.waitUntilReady();

function payloadsOf(file) {
  return file ? readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line)) : [];
}

async function throughput(file, warmFile) {
  const warm = payloadsOf(warmFile);
  await addAll(queue, warm);
  await untilCompleted(queue, warm.length);
  const payloads = payloadsOf(file);
  const started = performance.now();
  await addAll(queue, payloads);
  const added = performance.now();
  await untilCompleted(queue, warm.length + payloads.length);
  return { addSeconds: (added - started) / 1000, seconds: (performance.now() - started) / 1000 };
}

async function latency(count) {
  const events = new QueueEvents(QUEUE, { connection: connect() });
  await events.waitUntilReady();
  const milliseconds = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    const job = await queue.add("toon", { hello: "world", n: i }, { removeOnComplete: false });
    await job.waitUntilFinished(events);
    milliseconds.push(performance.now() - started);
  }
  await events.close();
  return { milliseconds };
}

const count = Number(option("latency", "0"));
console.log(JSON.stringify(count > 0 ? await latency(count) : await throughput(option("file"), option("warm"))));
await queue.close();
connection.disconnect();
process.exit(0);
