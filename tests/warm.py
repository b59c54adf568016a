"""`settling` in processes forked from one that has imported the libraries, which saves most of a short job's seconds.

The package itself is imported after the fork, from the checkout that a job is of, so edited code counts. `make demo`,
the killed heads and the tests on a cluster start processes as anyone would.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    *("altair", "cleanlab.rank", "jinja2", "pandas", "pyarrow.parquet", "pydantic", "rocrate.rocrate", "scipy.stats"),
    *("sklearn.metrics", "torch", "torchcrf", "transformers.models.bert", "vl_convert", "yaml"),
)
SETTINGS = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
# The libraries of downloads read on import whether they may use the network, so a download is a process of its own.
WRAPPER = """#!/bin/sh
[ "$1" = download ] && exec {python} -m settling "$@"
exec {python} -SE {this} {address} "$@"
"""


@functools.cache
def programs() -> Path:
    """Start a server that ends with this process; return a folder whose `settling` asks it."""
    folder = Path(tempfile.mkdtemp(prefix="settling.warm."))
    address = folder / "socket"
    wrapper = folder / "settling"
    wrapper.write_text(WRAPPER.format(python=sys.executable, this=__file__, address=address))
    wrapper.chmod(0o755)
    environment = {**os.environ, **dict.fromkeys(SETTINGS, "1"), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, __file__, str(address)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    atexit.register(server.kill)
    return folder


def serve(address: str) -> dict[str, Any]:
    """Answer until the process that started this ends; return, in a process of its own, each job that is asked for."""
    for name in IMPORTED:
        importlib.import_module(name)
    keep_the_library_of_pages()
    # So that no fork copies what it never changes.
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready:
                sys.exit()
            client, _ = server.accept()
            # Those that have ended.
            while reaped():
                pass
            if not os.fork():
                break
            client.close()
    content, files, _, _ = socket.recv_fds(client, 4, 3)
    size = int.from_bytes(content, "big")
    job: dict[str, Any] = json.loads(client.makefile("rb").read(size))
    worker = os.fork()
    if worker:
        watch(client, worker)
    client.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    return job


def keep_the_library_of_pages() -> None:
    """Make once, in a process of its own, the script that each page of a figure holds, which takes two seconds."""
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    make = f"import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle(vl_version={version!r}))"
    library = subprocess.run([sys.executable, "-c", make], capture_output=True, check=True).stdout.decode()
    vl_convert.javascript_bundle = lambda vl_version: library if vl_version == version else None


def reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] > 0
    except ChildProcessError:
        return False


def watch(client: socket.socket, worker: int) -> None:
    """Tell the client the worker's number and how it ends, and end; a worker whose client is gone is killed."""
    client.sendall(worker.to_bytes(4, "big"))
    ready, _, _ = select.select([client, os.pidfd_open(worker)], [], [])
    if client in ready:
        os.kill(worker, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    client.sendall(status.to_bytes(4, "big", signed=True))
    os._exit(0)


def ask(address: str, arguments: list[str]) -> int:
    """Have the server run a command here; return its exit status, or minus the signal that ended it."""
    job = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    content = json.dumps(job).encode()
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(content).to_bytes(4, "big")], [0, 1, 2])
        server.sendall(content)
        worker = int.from_bytes(server.recv(4), "big")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os.kill(worker, number))
        return int.from_bytes(server.recv(4), "big", signed=True)


def obey(job: dict[str, Any]) -> NoReturn:
    """Run the command that a job asks for, and end without taking down the libraries, which takes a second."""
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.path[:0] = [path for path in job["environment"].get("PYTHONPATH", "").split(":") if path]
    sys.argv = ["settling", *job["arguments"]]
    status = 1
    try:
        runpy.run_module("settling", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        status = ask(sys.argv[1], sys.argv[2:])
        if status < 0:
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        sys.exit(status)
    obey(serve(sys.argv[1]))
