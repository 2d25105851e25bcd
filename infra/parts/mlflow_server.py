"""Runs `mlflow server` in one process: `mlflow_server.py server --port=5000 ...`.

MLflow's command imports everything, and starts uvicorn in a child that imports everything once more. That is most
of the time until the server answers. Here uvicorn runs in the process of the command, with the same arguments and
the same environment. Another version of MLflow, which starts its server in another way, starts it as always.
"""

import os
import sys

import mlflow.server
import uvicorn.main
from mlflow.cli import cli

start_child = getattr(mlflow.server, "_exec_cmd", None)


def serve_here(command, *args, extra_env=None, **kwargs):
    if "uvicorn" not in command:
        return start_child(command, *args, extra_env=extra_env, **kwargs)
    os.environ.update(extra_env or {})
    uvicorn.main.main(command[command.index("uvicorn") + 1 :], standalone_mode=False)
    sys.exit(0)


if start_child is not None:
    mlflow.server._exec_cmd = serve_here
cli(sys.argv[1:])
