#!/usr/bin/env python3
"""Writes deploy/cloudformation/api.yaml from src/api/openapi.json: routes, parameters, request models and validators.

    tools/api_template.py            writes the template
    tools/api_template.py --check    says whether it is what the document makes; exit code 1 if not

What is not in the document (authorizer, stage, logs, WAF) is in deploy/cloudformation/api.head.yaml.in and api.tail.yaml.in, which frame the
generated part. API Gateway's models are JSON Schema draft 4; a keyword that this program does not know is an error, not dropped.
"""
import argparse
import copy
import hashlib
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "cloudformation"
DOCUMENT = ROOT / "src" / "api" / "openapi.json"
TEMPLATE = FOLDER / "api.yaml"

# Served elsewhere on AWS: bytes by S3's own signed URLs, metrics by CloudWatch, keys by Cognito, backups by DynamoDB and S3 themselves.
ELSEWHERE = ("/blobs/", "/metrics", "/.well-known/", "/backups")
# `curl -d` sends the second; API Gateway looks models up by content type, and one without a model passes unchecked.
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
OPEN = """    Metadata:
      checkov:
        skip:
          - id: CKV_AWS_59
            comment: says nothing about anybody's data""".splitlines()
KEPT = {
    "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "minLength", "maxLength",
    "pattern", "minimum", "maximum", "oneOf", "anyOf", "allOf", "not", "description", "$ref", "title", "maxProperties", "minProperties",
    "uniqueItems",
}
DROPPED = {"format", "contentEncoding", "example", "examples", "default"}


def draft4(schema, used):
    """The schema in draft 4; names of referenced schemas are added to `used`."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    out = {}
    for key, value in schema.items():
        if key in DROPPED:
            continue
        if key == "$ref":
            name = value.rsplit("/", 1)[1]
            used.add(name)
            out[key] = f"#/definitions/{name}"
        elif key == "const":
            out["enum"] = [value]
        elif key in ("exclusiveMinimum", "exclusiveMaximum"):
            out[key.replace("exclusiveM", "m")] = value
            out[key] = True
        elif key == "properties":
            out[key] = {name: draft4(sub, used) for name, sub in value.items()}
        elif key in ("oneOf", "anyOf", "allOf"):
            out[key] = [draft4(sub, used) for sub in value]
        elif key == "not" or key == "items" or (key == "additionalProperties" and not isinstance(value, bool)):
            out[key] = draft4(value, used)
        elif key in KEPT:
            out[key] = copy.deepcopy(value)
        else:
            raise SystemExit(f"{DOCUMENT.name}: {key!r} has no known counterpart in draft 4")
    return out


def model(document, name):
    schemas = document["components"]["schemas"]
    wanted, definitions = {name}, {}
    while wanted - definitions.keys():
        for each in sorted(wanted - definitions.keys()):
            definitions[each] = draft4(schemas[each], wanted)
    root = definitions.pop(name)
    if name in wanted and json.dumps(definitions).count(f"#/definitions/{name}"):
        raise SystemExit(f"{name} refers to itself")
    return {"$schema": "http://json-schema.org/draft-04/schema#", "title": name, **root, "definitions": definitions}


def logical(path):
    """/jobs/{jobId}/events -> JobsJobIdEvents"""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", path) if part)


def resource_lines(path):
    parent, _, part = path.rpartition("/")
    above = f"!Ref {logical(parent)}Resource" if parent else "!GetAtt Api.RootResourceId"
    return [
        f"  {logical(path)}Resource:",
        "    Type: AWS::ApiGateway::Resource",
        "    Properties:",
        "      RestApiId: !Ref Api",
        f"      ParentId: {above}",
        f'      PathPart: "{part}"',
        "",
    ]


def method_lines(path, verb, operation, shared):
    places = {"path": "path", "query": "querystring", "header": "header"}
    lines = [
        f"  # {operation['summary']}",
        f"  {operation['operationId'][:1].upper()}{operation['operationId'][1:]}:",
        "    Type: AWS::ApiGateway::Method",
        *([] if operation.get("security") else OPEN),
        "    Properties:",
        "      RestApiId: !Ref Api",
        f"      ResourceId: !Ref {logical(path)}Resource",
        f"      HttpMethod: {verb.upper()}",
        f"      OperationName: {operation['operationId']}",
    ]
    if operation.get("security"):
        lines += ["      AuthorizationType: COGNITO_USER_POOLS", "      AuthorizerId: !Ref Authorizer"]
    else:
        lines += ["      AuthorizationType: NONE"]
    lines.append("      RequestValidatorId: !Ref Validator")
    parameters = shared + operation.get("parameters", [])
    if parameters:
        lines.append("      RequestParameters:")
        for each in parameters:
            required = "true" if each.get("required") else "false"
            lines.append(f"        method.request.{places[each['in']]}.{each['name']}: {required}")
    body = operation.get("requestBody")
    if body:
        name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        lines.append("      RequestModels:")
        lines += [f"        {kind}: !Ref {name}Model" for kind in CONTENT_TYPES]
    lines += [
        "      Integration:",
        "        Type: AWS_PROXY",
        "        IntegrationHttpMethod: POST",
        '        Uri: !Sub "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${ApiFunctionArn}/invocations"',
        "        TimeoutInMillis: 29000",
        "",
    ]
    return lines


def model_lines(document, name):
    text = json.dumps(model(document, name), indent=2)
    lines = [f"  {name}Model:", "    Type: AWS::ApiGateway::Model", "    Properties:", "      RestApiId: !Ref Api", f"      Name: {name}"]
    lines += ["      ContentType: application/json", "      Schema:"]
    return lines + ["        " + line for line in text.splitlines()] + [""]


def generate():
    document = json.loads(DOCUMENT.read_text())
    paths = {path: item for path, item in document["paths"].items() if not path.startswith(ELSEWHERE)}
    folders = sorted({"/".join(path.split("/")[: end + 1]) for path in paths for end in range(1, len(path.split("/")))})
    lines, methods, models = [], [], set()
    for folder in folders:
        lines += resource_lines(folder)
    for path, item in paths.items():
        for verb, operation in item.items():
            if verb == "parameters":
                continue
            lines += method_lines(path, verb, operation, item.get("parameters", []))
            methods.append(operation["operationId"][:1].upper() + operation["operationId"][1:])
            if operation.get("requestBody"):
                models.add(operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1])
    for name in sorted(models):
        lines += model_lines(document, name)
    body = "\n".join(lines)
    head, tail = (FOLDER / "api.head.yaml.in").read_text(), (FOLDER / "api.tail.yaml.in").read_text()
    # A deployment is a snapshot: a new name makes a new one whenever anything in it changes.
    digest = hashlib.sha256((head + body + tail).encode()).hexdigest()[:12]
    tail = tail.replace("@DEPLOYMENT@", f"Deployment{digest}").replace("@METHODS@", ", ".join(methods))
    note = "# Made by tools/api_template.py from src/api/openapi.json, api.head.yaml.in and api.tail.yaml.in; change those.\n"
    return note + head + body + "\n" + tail


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 if the template is stale")
    text = generate()
    if parser.parse_args().check:
        if not TEMPLATE.exists() or TEMPLATE.read_text() != text:
            print(f"{TEMPLATE.relative_to(ROOT)} is stale: run tools/api_template.py", file=sys.stderr)
            return 1
        return 0
    TEMPLATE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
