"""Starts a handler under the AWS Lambda Runtime API: python3 bootstrap.py wordcloud.handler

The handler is named module.function (default: the variable _HANDLER) and found beside this file or in LAMBDA_TASK_ROOT.
"""

import importlib
import os
import pathlib
import signal
import sys

import lambda_runtime


def load(name):
    """The function that module.function names."""
    module, _, function = name.rpartition(".")
    if not module:
        raise ValueError(f"'{name}' is not module.function")
    return getattr(importlib.import_module(module), function)


def main(arguments):
    # Between invocations nothing is lost by ending at once; one under way is given to another worker.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]
    sys.path.append(os.environ.get("LAMBDA_TASK_ROOT", os.curdir))
    try:
        api = lambda_runtime.RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    except KeyError:
        print("AWS_LAMBDA_RUNTIME_API is not set: this program is started by a Lambda home", file=sys.stderr)
        return 2
    try:
        handler = load(arguments[0] if arguments else os.environ.get("_HANDLER", ""))
    except Exception as error:  # pylint: disable=broad-except
        api.report_init_error(error)
        print(f"no handler: {error}", file=sys.stderr)
        return 1
    lambda_runtime.serve(api, handler)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
