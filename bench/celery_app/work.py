"""The tasks and how Celery is set up. BENCH_REDIS is the unix socket of Redis: database 0 is the broker, 1 keeps results."""

import hashlib
import json
import os
import pathlib

from celery import Celery
from celery.signals import worker_ready
from PIL import Image

SIDE = 256  # pixels
SOCKET = os.environ["BENCH_REDIS"]

app = Celery("bench", broker=f"redis+socket://{SOCKET}?virtual_host=0", backend=f"redis+socket://{SOCKET}?virtual_host=1")
app.conf.update(
    task_acks_late=True,  # a task is taken off Redis after it ran: a worker that dies loses none, as with the others
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=8,  # 1 is as fast here, 64 and more are slower
    worker_disable_rate_limits=True,
    worker_enable_remote_control=False,
    task_send_sent_event=False,
    worker_send_task_events=False,
    task_track_started=False,
    worker_redirect_stdouts=False,
    result_expires=None,  # results are kept, and nothing sweeps them
    task_serializer="json",
    result_serializer="json",
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
)


@worker_ready.connect
def _say_ready(**_):
    print("ready", flush=True)


@app.task
def message(value):
    """Celery has parsed the value."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


@app.task
def photo(file, out):
    """Pillow's own thumbnail: it has the JPEG decoder shrink (draft) and resizes the rest."""
    source = pathlib.Path(file).read_bytes()
    with Image.open(file) as image:
        image.thumbnail((SIDE, SIDE))
        target = pathlib.Path(out, pathlib.Path(file).stem + ".webp")
        image.save(target, "WEBP", quality=80, method=4)
    output = target.read_bytes()
    return {"source": hashlib.sha256(source).hexdigest(), "output": hashlib.sha256(output).hexdigest(), "bytes": len(output)}
