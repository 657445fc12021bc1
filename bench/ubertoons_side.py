"""Ubertoons as it is shipped: one `serve` on a fresh data folder, its own worker processes, one job over the API."""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import urllib.parse

BIN = pathlib.Path(os.environ.get("UBERTOONS_BIN_DIR", pathlib.Path(__file__).resolve().parent.parent / "build" / "release" / "bin"))
READY = re.compile(rb"^ubertoons listening on (http://\S+)$", re.MULTILINE)
WAIT_SECONDS = 60
IMAGE_OPERATION = {"op": "thumbnail", "width": 256, "format": "webp", "quality": 80}
SMALL_BYTES = 128  # one small message: a job of a million is below the 256 MiB of an inline submission


def small_toons(count):
    """The toons of a job of `count` messages of SMALL_BYTES, all different, as JSON."""
    pad = "x" * (SMALL_BYTES - len('{"n":0000000,"ok":true,"pad":""}'))
    return [f'{{"toonId":"m{i:07d}","type":"message","json":{{"n":{1_000_000 + i},"ok":true,"pad":"{pad}"}}}}' for i in range(count)]


def small_job(count):
    return f'{{"toons":[{",".join(small_toons(count))}]}}'.encode()


class Ubertoons:
    def __init__(self, folder, workers=None, settings=()):
        """`settings`: more arguments of `serve`."""
        self.folder, self.process = pathlib.Path(folder), None
        self.settings = [*([] if workers is None else ["--workers", str(workers)]), *map(str, settings)]

    def __enter__(self):
        self.folder.mkdir(parents=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        out = self.folder / "out"
        with open(out, "wb") as stdout, open(self.folder / "log", "wb") as stderr:
            self.process = subprocess.Popen(
                [BIN / "ubertoons", "serve", "--data", self.folder / "data", "--listen", "127.0.0.1:0", *self.settings],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        deadline = time.monotonic() + WAIT_SECONDS
        while not (ready := READY.search(out.read_bytes())):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"the server did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        token = subprocess.run([BIN / "ubertoons", "token", "--data", self.folder / "data", "--sub", "bench"], check=True, timeout=60,
                               capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.address = urllib.parse.urlsplit(ready[1].decode()).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=600)

    def stop(self):
        """Ends the server; its folder stays until the end of the `with`."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _fetch(self, method, path, body=None, expect=(200,), headers=None):
        self.connection.request(method, path, body, self.headers if headers is None else headers)
        response = self.connection.getresponse()
        data = response.read()
        if response.status not in expect:
            raise RuntimeError(f"{method} {path}: {response.status} {data[:500]!r}")
        return data

    def _call(self, method, path, body=None, expect=200):
        return json.loads(self._fetch(method, path, body, (expect,)))

    def warm_up(self):
        """The workers are started by the first work; BullMQ's run before its clock starts too."""
        self.run(b'{"toons":[' + b",".join(b'{"toonId":"w%d","type":"message","json":{"n":%d}}' % (i, i) for i in range(4000)) + b"]}")

    def submit(self, body):
        """The id of the accepted job."""
        return self._call("POST", "/submit-job", body, expect=202)["jobId"]

    def run(self, body):
        """The status of the job that `body` is, once it has completed; RuntimeError if it did not."""
        job = self.submit(body)
        self.watch(job)
        return self.completed(job)

    def completed(self, job):
        status = self.status(job)
        if status["status"] != "Completed":
            failed = self._call("GET", f"/results?jobId={job}&state=Failed&pageSize=1")["results"]
            raise RuntimeError(f"the job ended as {status}; its first failed toon: {failed}")
        return status

    def status(self, job):
        return self._call("GET", f"/jobs/{job}")

    def commits(self):
        """Synced batches of the store so far."""
        return int(float(re.search(rb"^ubertoons_store_commits_total (\S+)$", self._fetch("GET", "/metrics"), re.MULTILINE)[1]))

    def prepare(self, file):
        """Builds the body of one job of every line of a file, and warms up."""
        lines = pathlib.Path(file).read_bytes().splitlines()
        self.prepared_count = len(lines)
        self.prepared = b'{"toons":[' + b",".join(b'{"toonId":"m%07d","type":"message","json":%b}' % (i, line) for i, line in enumerate(lines)) + b"]}"
        self.warm_up()

    def run_prepared(self):
        """Seconds from the first byte of the submission until the job reads Completed."""
        started = time.perf_counter()
        status = self.run(self.prepared)
        seconds = time.perf_counter() - started
        if status["succeeded"] != self.prepared_count:
            raise RuntimeError(f"{status['succeeded']} of {self.prepared_count} succeeded")
        return seconds

    def upload(self, data, content_type="image/jpeg"):
        """The uri of stored bytes."""
        place = self._call("POST", "/uploads", json.dumps({"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "contentType": content_type}))
        url = urllib.parse.urlsplit(place["url"])
        self._fetch(place["method"], f"{url.path}?{url.query}", data, (200, 201, 204), place["headers"])
        return place["uri"]

    def image_job(self, files):
        """The body of a job that makes a thumbnail of each file; the files are uploaded here."""
        toons = [{"toonId": file.stem, "type": "image", "uri": self.upload(file.read_bytes())} for file in files]
        return json.dumps({"toons": toons, "operations": {"image": [IMAGE_OPERATION]}, "reuse": False}).encode()

    def _results(self, job):
        query = f"/results?jobId={job}&pageSize=500"
        page = self._call("GET", query)
        yield from page["results"]
        while token := page.get("nextPageToken"):
            page = self._call("GET", f"{query}&pageToken={urllib.parse.quote(token, safe='')}")
            yield from page["results"]

    def images(self, files, warm, out):
        """Seconds from the first byte of the submission until the job reads Completed; the thumbnails are put into `out`."""
        warm_body, body = self.image_job(warm), self.image_job(files)
        self.warm_up()
        self.run(warm_body)
        os.sync()  # what the uploads leave to the kernel is done before the clock starts, not under it
        started = time.perf_counter()
        status = self.run(body)
        seconds = time.perf_counter() - started
        sources = {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        for result in self._results(status["jobId"]):
            if result["fingerprint"]["sha256"] != sources[result["toonId"]]:
                raise RuntimeError(f"the fingerprint of {result['toonId']} is wrong")
            (thumbnail,) = result["artifacts"]
            (out / f"{result['toonId']}.webp").write_bytes(self._fetch("GET", f"/artifacts/{thumbnail['sha256']}"))
        return seconds

    def watch(self, job):
        """Reads the job's events until its end: a client that asks again and again would take part in the race."""
        watch = http.client.HTTPConnection(self.connection.host, self.connection.port, timeout=WAIT_SECONDS)
        try:
            watch.request("GET", f"/jobs/{job}/events", headers=self.headers)
            response = watch.getresponse()
            ending = False
            while line := response.readline():
                ending = ending or line.startswith(b"event: end")
                if ending and line.startswith(b"data:"):
                    return b'"Completed"' in line
            raise RuntimeError("the events ended before the job")
        finally:
            watch.close()

    def latency(self, count):
        """Milliseconds from submitting one small toon until its Completed event, each on a new connection for the events."""
        self.warm_up()
        taken = []
        for i in range(count):
            started = time.perf_counter()
            job = self._call("POST", "/submit-job", b'{"toons":[{"toonId":"a","type":"message","json":{"hello":"world","n":%d}}]}' % i, expect=202)
            if not self.watch(job["jobId"]):
                raise RuntimeError(f"{job['jobId']} did not complete")
            taken.append((time.perf_counter() - started) * 1000)
        return taken
