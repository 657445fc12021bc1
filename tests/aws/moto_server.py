"""A moto server for the tests of src/aws: `start` returns once it answers, `stop` ends the one that `start` began.

    python3 moto_server.py start --dir FOLDER [--tools VENV]     writes FOLDER/endpoint, /pid and /python
    python3 moto_server.py stop --dir FOLDER

It listens on a free port of loopback and ends by itself after LIFETIME_SECONDS.
"""

import argparse
import copy
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIFETIME_SECONDS = 1800
START_SECONDS = 60


def serve(folder):
    """In the server's process, under the Python of the virtual environment."""
    signal.alarm(LIFETIME_SECONDS)
    import werkzeug.serving
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.stepfunctions.models import StateMachine

    def without_executions(machine, _memo):
        """moto 5.2.1 copies a machine with the locks of its executions, which fails (getmoto/moto#10077)."""
        fresh = copy.copy(machine)
        fresh.executions = []
        return fresh

    StateMachine.__deepcopy__ = without_executions
    make_transactions_cheap()
    make_queries_cheap()
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    application = one_table_call_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = werkzeug.serving.make_server("127.0.0.1", 0, application, threaded=True)
    os.environ["MOTO_PORT"] = str(server.server_port)
    part = folder / "endpoint.part"
    part.write_text(f"http://127.0.0.1:{server.server_port}", encoding="utf-8")
    part.rename(folder / "endpoint")
    server.serve_forever()


def one_table_call_at_a_time(application):
    """moto's DynamoDB has no locks: conditions and transactions of two threads would see each other half done."""
    lock = threading.Lock()

    def call(environ, start_response):
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            return application(environ, start_response)
        with lock:
            return application(environ, start_response)

    return call


def make_transactions_cheap():
    """moto copies the whole table for every transaction, to put it back when one fails: here only what it touches."""
    from moto.dynamodb.models import DynamoDBBackend, Table

    transact = DynamoDBBackend.transact_write_items

    def key_of(table, operation):
        attributes = operation.get("Item") or operation["Key"]
        return {name: attributes[name] for name in (table.hash_key_attr, table.range_key_attr) if name}

    def transact_write_items(backend, transact_items):
        before = []
        for item in transact_items:
            operation = next(iter(item.values()))
            table = backend.tables.get(operation["TableName"])
            if table:
                key = key_of(table, operation)
                before.append((operation["TableName"], key, copy.deepcopy(backend.get_item(operation["TableName"], key))))
        try:
            transact(backend, transact_items)
        except Exception:
            for name, key, item in before:
                backend.delete_item(name, key)
                if item is not None:
                    backend.put_item(name, item.to_json()["Attributes"], overwrite=True)
            raise

    Table.__deepcopy__ = lambda table, _memo: table
    DynamoDBBackend.transact_write_items = transact_write_items


def make_queries_cheap():
    """moto sorts every item of a table for each query, and then once more: here only what has the partition key."""
    from moto.dynamodb.models import Table

    query = Table.query

    def query_one_partition(table, hash_key, *arguments, **named):
        index = named.get("index_name") or (arguments[6] if len(arguments) > 6 else None)
        table.all_items = lambda: [item for items in ([table.items.get(hash_key, {})] if not index else
                                                      table.items.values()) for item in items.values()]
        try:
            return query(table, hash_key, *arguments, **named)
        finally:
            del table.all_items

    Table.query = query_one_partition


def answers(folder):
    try:
        url = (folder / "endpoint").read_text(encoding="utf-8")
        with urllib.request.urlopen(url + "/moto-api/", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


def start(folder, tools):
    python = tools / "bin" / "python"
    if not python.exists():
        print(f"{python} is not there: run `./dev aws-tools`, which installs moto and boto3", file=sys.stderr)
        return 1
    stop(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "endpoint").unlink(missing_ok=True)
    environment = dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1")
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen([str(python), __file__, "serve", "--dir", str(folder)], stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log, env=environment, start_new_session=True)
    (folder / "pid").write_text(str(child.pid), encoding="utf-8")
    (folder / "python").write_text(str(python), encoding="utf-8")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        if answers(folder):
            return 0
        time.sleep(0.05)
    print((folder / "log").read_text(encoding="utf-8", errors="replace")[-4000:], file=sys.stderr)
    print("the moto server does not answer", file=sys.stderr)
    stop(folder)
    return 1


def stop(folder):
    """Ends what `start` began, and nothing that came to its process id since."""
    try:
        pid = int((folder / "pid").read_text(encoding="utf-8"))
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(__file__) in command and os.fsencode(str(folder)) in command:
            os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        pass
    (folder / "pid").unlink(missing_ok=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("start", "stop", "serve"))
    parser.add_argument("--dir", type=pathlib.Path, required=True)
    parser.add_argument("--tools", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("UBERTOONS_AWS_TOOLS", ROOT / "build" / "aws-tools")))
    options = parser.parse_args()
    if options.verb == "serve":
        return serve(options.dir)
    return start(options.dir, options.tools) if options.verb == "start" else stop(options.dir)


if __name__ == "__main__":
    sys.exit(main())
