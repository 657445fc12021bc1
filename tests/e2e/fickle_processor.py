"""A custom processor for tests that does what the toon's text says. A Lambda runtime loop on the standard library.

"ok" succeeds; "refuse" fails for good; "exit" dies; "flag PATH" fails unless PATH exists; "claim CODE" fails with CODE;
"hang PATH" writes its process id to PATH and never answers.
"""

import json
import os
import pathlib
import signal
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def act(text):
    """One outcome without its messageId."""
    verb, _, rest = text.partition(" ")
    if verb == "exit":
        os._exit(3)
    if verb == "hang":
        pathlib.Path(rest).write_text(str(os.getpid()))
        while True:
            signal.pause()
    if verb == "claim":
        return {"error": {"code": rest, "message": "so it says", "retryable": False}}
    if verb == "refuse" or (verb == "flag" and not pathlib.Path(rest).exists()):
        return {"error": {"code": "refused", "message": f"told to {verb}", "retryable": False}}
    return {"result": {"verb": verb}, "artifacts": []}


def answer(event):
    outcomes = []
    for record in event["Records"]:
        body = json.loads(record["body"])
        outcomes.append({"messageId": record["messageId"], **act(body["text"])})
    return {"outcomes": outcomes, "batchItemFailures": []}


def main():
    while True:
        with urllib.request.urlopen(f"{API}/next") as response:
            request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(response)
        body = json.dumps(answer(event)).encode()
        request = urllib.request.Request(f"{API}/{request_id}/response", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()


if __name__ == "__main__":
    main()
