"""A Lambda runtime on the standard library: next, handler, response, for ever.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. AWS_LAMBDA_RUNTIME_API is host:port on AWS; `ubertoons serve`
gives host:port/secret, since it hosts many workers on one port. A client that keeps what is behind the first slash works in
both homes.
"""

import http.client
import json
import traceback
from dataclasses import dataclass

VERSION = "2018-06-01"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Context:
    """What Lambda says about an invocation beside its event."""

    request_id: str
    deadline_ms: int
    function_arn: str = ""
    traceparent: str = ""


class ApiGone(Exception):
    """The home has ended, or wants this worker to end."""


class RuntimeApi:
    """One kept-alive connection to the Runtime API."""

    def __init__(self, address):
        host, _, path = address.partition("/")
        self._prefix = (f"/{path.rstrip('/')}" if path else "") + f"/{VERSION}/runtime"
        self._connection = http.client.HTTPConnection(host)  # no time-out: next is a long poll

    def close(self):
        self._connection.close()

    def next(self):
        """Waits for the next invocation. Answers (event, context)."""
        response, body = self._send("GET", "/invocation/next")
        if response.status != 200:
            raise ApiGone(f"next: status {response.status}")
        headers = response.headers
        return json.loads(body), Context(
            request_id=headers["Lambda-Runtime-Aws-Request-Id"],
            deadline_ms=int(headers.get("Lambda-Runtime-Deadline-Ms", "0")),
            function_arn=headers.get("Lambda-Runtime-Invoked-Function-Arn", ""),
            traceparent=headers.get("traceparent", ""),
        )

    def respond(self, request_id, answer):
        """Sends a handler's answer. A refusal (the invocation was taken away) is no error of ours."""
        body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
        self._send("POST", f"/invocation/{request_id}/response", body, JSON)

    def report_error(self, request_id, error):
        self._report(f"/invocation/{request_id}/error", error)

    def report_init_error(self, error):
        self._report("/init/error", error)

    def _report(self, path, error):
        kind = type(error).__name__
        body = json.dumps({"errorMessage": str(error), "errorType": kind, "stackTrace": traceback.format_tb(error.__traceback__)})
        self._send("POST", path, body.encode(), JSON | {"Lambda-Runtime-Function-Error-Type": kind})

    def _send(self, method, path, body=None, headers=None):
        try:
            self._connection.request(method, self._prefix + path, body, headers or {})
            response = self._connection.getresponse()
            return response, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ApiGone(str(error)) from error


def serve(api, handler):
    """Runs handler(event, context) for every invocation until the API is gone."""
    try:
        while True:
            event, context = api.next()
            try:
                answer = handler(event, context)
            except Exception as error:  # pylint: disable=broad-except
                api.report_error(context.request_id, error)
            else:
                api.respond(context.request_id, answer)
    except ApiGone:
        return
