// One worker process for images: reads the file that a job names, shrinks it with sharp, hashes source and output,
// writes the output into the folder `out` of the job. --fast-shrink 1 or 0: sharp's fastShrinkOnLoad.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Worker } from "bullmq";
import sharp from "sharp";
import { QUEUE, option, serve, workerOptions } from "./common.mjs";

const SIDE = 256; // pixels
const resize = { fit: "inside", withoutEnlargement: true, fastShrinkOnLoad: option("fast-shrink", "1") === "1" };

// One thread an image: the worker processes fill the cores already. No cache: no image comes twice.
sharp.concurrency(1);
sharp.cache(false);

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function shrink(job) {
  const source = await readFile(job.data.file);
  const output = await sharp(source).resize(SIDE, SIDE, resize).webp({ quality: 80, effort: 4 }).toBuffer();
  await writeFile(join(job.data.out, `${basename(job.data.file, ".jpg")}.webp`), output);
  return { source: sha256(source), output: sha256(output), bytes: output.length };
}

await serve(new Worker(QUEUE, shrink, workerOptions()));
