"""Computes sigv4_vectors.json with botocore, the oracle of src/aws/sigv4.

    build/aws-tools/bin/python tests/aws/golden.py            writes the file anew
    build/aws-tools/bin/python tests/aws/golden.py --check    exit code 1 when it would change
"""

import argparse
import datetime
import hashlib
import json
import pathlib
import sys
import unittest.mock
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FILE = pathlib.Path(__file__).resolve().parent / "sigv4_vectors.json"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)
TOKEN = "IQoJb3JpZ2luX2VjE+/token=="
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:fan-in"


def case(name, service="s3", method="GET", path="/", query=(), headers=(), body="", **more):
    """One request. path and query are not encoded. more: token, unsigned, expires, scheme_host, region."""
    return dict({"name": name, "service": service, "method": method, "path": path, "query": [list(p) for p in query],
                 "headers": [list(h) for h in headers], "body": body, "token": "", "unsigned": False, "expires": 0,
                 "region": "eu-west-1", "host": f"{service}.eu-west-1.amazonaws.com"}, **more)


JSON_HEADERS = (("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "AmazonSQS.SendMessage"))
CHECKSUM = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="  # of "hello"

S3 = [
    case("get of a plain key", path="/bucket/key.txt"),
    case("root", path="/"),
    case("a key with spaces", path="/bucket/a b c.txt"),
    case("a key in UTF-8", path="/bucket/año/ñandú ☂ 𝄞.txt"),
    case("every reserved character in a key", path="/bucket/a b/ü+&'()*~.x!$,;:@=#?%[]"),
    case("a key that holds a percent escape", path="/bucket/100%25 %2F.txt"),
    case("empty and dotted segments stay", path="/bucket//../a/./b//"),
    case("an ARN in a key", path="/bucket/" + ARN),
    case("a bare sub-resource", method="POST", path="/bucket/key", query=[("uploads", "")]),
    case("an unsorted query", path="/bucket", query=[("prefix", "t/61/"), ("list-type", "2"), ("max-keys", "7"), ("delimiter", "/")]),
    case("query values to be encoded", path="/bucket", query=[("marker", "a/b c+d=e&f"), ("k ü", "☂"), ("~-_.", "*'()")]),
    case("a name given twice, and equal prefixes", path="/bucket", query=[("a", "2"), ("a", "1"), ("a-b", "3"), ("A", "4"), ("a0", ""), ("aa", "")]),
    case("multipart part", method="PUT", path="/bucket/key", query=[("uploadId", "x.y_z-1"), ("partNumber", "12")], body="part"),
    case("versions with markers", path="/bucket", query=[("versions", ""), ("key-marker", "t/a b"), ("version-id-marker", "null")]),
    case("put with a body", method="PUT", path="/bucket/key", body="hello"),
    case("put of nothing", method="PUT", path="/bucket/key"),
    case("put of UTF-8", method="PUT", path="/bucket/key", body="ñ☂\n\t"),
    case("put, payload unsigned", method="PUT", path="/bucket/key", body="hello", unsigned=True),
    case("a session token", path="/bucket/key", token=TOKEN),
    case("conditional put", method="PUT", path="/bucket/key", body="hello", headers=[("If-None-Match", "*")]),
    case("range", path="/bucket/key", headers=[("Range", "bytes=5-99")]),
    case("one header name is the prefix of another", method="PUT", path="/bucket/key",
         headers=[("x-amz-meta-a-b", "2"), ("x-amz-meta-a", "1"), ("x-amz-meta-ab", "3")]),
    case("blanks in header values", method="PUT", path="/bucket/key",
         headers=[("x-amz-meta-note", "  two   blanks\tand a tab  "), ("x-amz-meta-empty", "")]),
    case("header names in mixed case", method="PUT", path="/bucket/key", headers=[("X-Amz-Meta-Zoe", "z"), ("CONTENT-TYPE", "text/plain")]),
    case("headers that are never signed", path="/bucket/key",
         headers=[("User-Agent", "ubertoons"), ("Expect", "100-continue"), ("X-Amzn-Trace-Id", "Root=1-2-3")]),
    case("copy", method="PUT", path="/bucket/key", headers=[("x-amz-copy-source", "/bucket/tmp/a%20b")]),
    case("a host with a port", path="/bucket/key", host="127.0.0.1:9000"),
    case("virtual host", path="/key", host="bucket.s3.eu-west-1.amazonaws.com"),
    case("delete of many", method="POST", path="/bucket", query=[("delete", "")], body="<Delete/>", headers=[("Content-MD5", "abc=")]),
    case("head", method="HEAD", path="/bucket/key"),
    case("another region", path="/bucket/key", region="us-gov-west-1"),
]
OTHERS = [
    case("sqs", "sqs", "POST", headers=JSON_HEADERS, body='{"QueueUrl":"q"}'),
    case("sqs with a token", "sqs", "POST", headers=JSON_HEADERS, body='{"QueueUrl":"q"}', token=TOKEN),
    case("an empty body", "sqs", "POST", headers=JSON_HEADERS),
    case("sns form", "sns", "POST", headers=[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], body="Action=Publish&Message=a%20b"),
    case("dynamodb", "dynamodb", "POST", headers=[("X-Amz-Target", "DynamoDB_20120810.GetItem"), ("Content-Type", "application/x-amz-json-1.0")], body="{}"),
    case("an ARN in a path is encoded twice", "lambda", path="/2015-03-31/functions/" + ARN + "/invocations"),
    case("blanks and UTF-8 in a path are encoded twice", "lambda", path="/a b/ñ/100%"),
    case("paths are tidied", "execute-api", path="/a//b/./c/../d"),
    case("a path above its root", "execute-api", path="/../../a"),
    case("a path that ends in a slash", "execute-api", path="/a/b/"),
    case("a path that ends in dots", "execute-api", path="/a/b/.."),
    case("sts query", "sts", query=[("Version", "2011-06-15"), ("Action", "GetCallerIdentity")]),
    case("kms", "kms", "POST", headers=[("X-Amz-Target", "TrentService.Encrypt")], body='{"KeyId":"k"}'),
]
PRESIGNED = [
    case("presigned get", path="/bucket/a b/ñ.txt", expires=900),
    case("presigned get with a token", path="/bucket/key", expires=60, token=TOKEN),
    case("presigned get of a version", path="/bucket/key", query=[("versionId", "a/b+c"), ("response-content-type", "text/plain; x")], expires=1),
    case("presigned put bound to its length and checksum", method="PUT", path="/bucket/key", expires=3600,
         headers=[("Content-Length", "5"), ("x-amz-checksum-sha256", CHECKSUM)]),
    case("presigned put with token and checksum", method="PUT", path="/bucket/key", expires=604800, token=TOKEN,
         headers=[("x-amz-checksum-sha256", CHECKSUM), ("content-length", "0")]),
    case("presigned to a host with a port", path="/bucket/key", host="127.0.0.1:9000", expires=5),
]


def sign(vector):
    """Adds what botocore answers: the target and, unless presigned, the Authorization header."""
    url = "https://" + vector["host"] + urllib.parse.quote(vector["path"], safe="/~")
    query = "&".join(urllib.parse.quote(k, safe="~") + "=" + urllib.parse.quote(v, safe="~") for k, v in vector["query"])
    request = AWSRequest(vector["method"], url + ("?" + query if query else ""), data=vector["body"].encode())
    for name, value in vector["headers"]:
        request.headers[name] = value
    request.context["payload_signing_enabled"] = not vector["unsigned"]
    keys = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", vector["token"] or None)
    s3 = vector["service"] == "s3"
    if vector["unsigned"]:
        request.headers["X-Amz-Checksum-Sha256"] = CHECKSUM
        vector["headers"].append(["X-Amz-Checksum-Sha256", CHECKSUM])
        request.context["checksum"] = {"request_algorithm": {"in": "header", "name": "X-Amz-Checksum-Sha256"}}
    scope = (keys, vector["service"], vector["region"])
    if vector["expires"]:
        signer = botocore.auth.S3SigV4QueryAuth(*scope, expires=vector["expires"])
    else:
        signer = (botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth)(*scope)
    with unittest.mock.patch.object(botocore.auth, "get_current_datetime", return_value=NOW):
        signer.add_auth(request)
    if vector["expires"]:
        signature = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.url).query))["X-Amz-Signature"]
        return dict(vector, signature=signature)
    return dict(vector, authorization=request.headers["Authorization"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    vectors = [sign(vector) for vector in S3 + OTHERS + PRESIGNED]
    for vector in vectors:
        vector["bodySha256"] = hashlib.sha256(vector["body"].encode()).hexdigest()
    text = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
    if options.check:
        return 0 if FILE.read_text(encoding="utf-8") == text else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
