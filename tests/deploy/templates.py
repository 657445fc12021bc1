"""Reads the CloudFormation templates: intrinsic functions as {"Fn::X": ...}, nested stacks with the parameters they are given."""
import functools
import json
import pathlib

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "deploy" / "cloudformation"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    pass


def _intrinsic(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _intrinsic)


class Resource:
    """One resource: where it stands, its type, its properties."""

    def __init__(self, template, name, body):
        self.template, self.name, self.body = template, name, body
        self.type = body["Type"]
        self.properties = body.get("Properties", {})

    def __repr__(self):
        return f"{self.template}:{self.name}"


@functools.cache
def load(name):
    return yaml.load((FOLDER / name).read_text(), _Loader)


def names():
    return sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.yaml"))


def pipeline():
    return yaml.load((FOLDER.parent / "pipeline" / "pipeline.yaml").read_text(), _Loader)["Resources"]


def resources(*types):
    """Every resource of these types in all templates."""
    found = []
    for name in names():
        for key, body in load(name)["Resources"].items():
            if body["Type"] in types:
                found.append(Resource(name, key, body))
    return found


def instances(module):
    """Every nested stack that is made of this module, with the parameters it gives."""
    return [r for r in resources("AWS::CloudFormation::Stack") if r.properties["TemplateURL"] == module]


def parameter_file(environment):
    return json.loads((FOLDER / "parameters" / f"{environment}.json").read_text())
