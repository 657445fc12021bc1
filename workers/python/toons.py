"""Toons in, outcomes out: the events of docs/formats/custom-processor.md as Python values."""

import base64
import json
import urllib.request
from dataclasses import dataclass, field

MAX_FETCHED_BYTES = 1 << 30


class Refused(Exception):
    """The toon's own fault: its outcome is a failure with this code and message. Raise it from a processor."""

    def __init__(self, code, message, retryable=False):
        super().__init__(message)
        self.code = code
        self.retryable = retryable


@dataclass
class Toon:
    job_id: str
    toon_id: str
    type: str
    attempt: int
    metadata: dict
    operations: list
    data: bytes  # however they were given

    def text(self):
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise Refused("not-text", f"byte {error.start} is not UTF-8") from error

    def operation(self, name):
        """The parameters of an operation, or None if it was not asked for."""
        return next((operation for operation in self.operations if operation.get("op") == name), None)


@dataclass
class Artifact:
    name: str
    content_type: str
    data: bytes


@dataclass
class Outcome:
    result: dict
    artifacts: list = field(default_factory=list)


def read(body):
    """One record's body as a Toon; fetches bytes that came by reference."""
    if "data" in body:
        data = base64.b64decode(body["data"], validate=True)
    elif "text" in body:
        data = body["text"].encode()
    elif "json" in body:
        data = json.dumps(body["json"], ensure_ascii=False).encode()
    else:
        with urllib.request.urlopen(body["getUrl"], timeout=60) as response:
            data = response.read(MAX_FETCHED_BYTES)
    return Toon(
        job_id=body.get("jobId", ""),
        toon_id=body.get("toonId", ""),
        type=body.get("type", ""),
        attempt=body.get("attempt", 1),
        metadata=body.get("metadata", {}),
        operations=body.get("operations", []),
        data=data,
    )


def handler_of(process):
    """A Lambda handler that runs process(toon) -> Outcome for each record of an event."""

    def handler(event, _context):
        outcomes = []
        for record in event["Records"]:
            outcome = {"messageId": record["messageId"]}
            try:
                outcome |= _write(process(read(json.loads(record["body"]))))
            except Refused as refused:
                outcome["error"] = {"code": refused.code, "message": str(refused), "retryable": refused.retryable}
            outcomes.append(outcome)
        return {"outcomes": outcomes, "batchItemFailures": []}

    return handler


def _write(outcome):
    return {
        "result": outcome.result,
        "artifacts": [
            {"name": a.name, "contentType": a.content_type, "data": base64.b64encode(a.data).decode()}
            for a in outcome.artifacts
        ],
    }
