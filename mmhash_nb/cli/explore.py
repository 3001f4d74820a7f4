"""The command `explore`: the explorer as a page, on the loopback alone, with a token."""

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

from mmhash_nb import datasets
from mmhash_nb.cli import PROGRAM
from mmhash_nb.cli.arguments import add_explore
from mmhash_nb.datasets import folder
from mmhash_nb.io.project import project_root

#: what the page shows, as JSON, and the part of its address that lets in
SHOWN, TOKEN = "MMHASH_EXPLORE", "MMHASH_EXPLORE_TOKEN"
_START_SECONDS = 90


def main(arguments: Sequence[str]) -> int:
    """Open the explorer in a browser: on a model that fit made and a folder, or on the runs that
    notebooks or compare have left of a dataset. Nothing is trained. Ctrl-C ends it."""
    parser = argparse.ArgumentParser(f"{PROGRAM} {arguments[0]}", description=main.__doc__)
    add_explore(parser)
    args = parser.parse_args(arguments[1:])
    shown = _shown(args)
    notebook = project_root() / "notebooks" / "explorer.ipynb"
    if not notebook.is_file():
        raise FileNotFoundError(f"there is no {notebook}: run this in the project's folder.")
    port, token = _free_port(args.port), secrets.token_hex(16)
    template = str(resources.files("mmhash_nb.explorer").joinpath("jupyter"))
    paths = os.pathsep.join(filter(None, [template, os.environ.get("JUPYTER_PATH")]))
    environment = {SHOWN: json.dumps(shown), TOKEN: token, "JUPYTER_PATH": paths}
    server = subprocess.Popen(
        _command(notebook, port, token), env=os.environ | environment, stdin=subprocess.DEVNULL
    )
    try:
        _wait(server, port)
        address = f"http://127.0.0.1:{port}/?token={token}"
        print(f"the explorer is at {address}\nCtrl-C ends it", flush=True)
        if not args.no_browser:
            webbrowser.open(address)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def _shown(args: argparse.Namespace) -> dict[str, object]:
    """What the page is to show; a ValueError where that is surely not there."""
    plugins = [str(file.absolute()) for file in args.plugin]
    if args.dataset:
        if args.model or args.folder:
            raise ValueError("--dataset shows runs: leave out --model and the folder.")
        datasets.module_of(args.dataset)
        return {"dataset": args.dataset, "plugins": plugins}
    if args.model is None or args.folder is None:
        raise ValueError("there is nothing to show: give --model MODEL and a folder, or --dataset.")
    if folder.find(args.folder) is None:
        raise FileNotFoundError(f"there is no pairs.csv in {args.folder}.")
    if not (args.model / "method.json").is_file():
        raise FileNotFoundError(f"{args.model} has no method.json: the command fit makes a model.")
    home, model = str(args.folder.absolute()), str(args.model.absolute())
    return {"folder": home, "model": model, "on_error": args.on_error, "plugins": plugins}


def _command(notebook: Path, port: int, token: str) -> list[str]:
    return [
        *(sys.executable, "-m", "voila", str(notebook), "--no-browser", f"--port={port}"),
        *("--Voila.ip=127.0.0.1", f"--token={token}", "--template=explorer"),
        # On another port it would not be at the address that is printed.
        *("--Voila.port_retries=0", "--Application.log_level=ERROR"),
    ]


def _free_port(wanted: int | None) -> int:
    """The port that the user wants, or any; a ValueError where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server binds it
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except (OSError, OverflowError) as error:
            raise ValueError(f"port {wanted} cannot be used ({error}): give another.") from None
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen, port: int) -> None:
    ends = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the page did not start on port {port}: give another --port.")
