"""Runs the job that arguments.json names."""

import importlib
import json
import shutil
import sys
import traceback

import host

if __name__ == "__main__":
    arguments = json.loads((host.JOB / "arguments.json").read_text())
    shutil.copy(host.JOB / "murder", host.PROGRAM)
    try:
        importlib.import_module(arguments.pop("job")).main(**arguments)
    except SystemExit as end:
        host.say(str(end.code))
        sys.exit(1)
    except Exception:
        host.say(traceback.format_exc())
        sys.exit(1)
