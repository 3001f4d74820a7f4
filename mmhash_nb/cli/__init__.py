"""`mmhash COMMAND`, or `python -m mmhash_nb COMMAND`: each is a module, imported when called."""

import argparse
import errno
import importlib
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from mmhash_nb.io.files import FULL
from mmhash_nb.io.output import lasting_output

#: how this process was started, for the usage lines
PROGRAM = "mmhash" if Path(sys.argv[0]).stem == "mmhash" else "python -m mmhash_nb"
#: name, the module beside this whose `main` gets the command with its arguments, what it does
COMMANDS = {
    "compare": ("compare_methods", "every method on your pictures and texts, in one page"),
    "explore": ("explore", "results in the browser, of a model or of runs"),
    "fit": ("fit_encode_search", "learn codes from a folder of your pictures and texts"),
    "encode": ("fit_encode_search", "codes of a folder's pictures or texts"),
    "search": ("fit_encode_search", "the items nearest to words or a picture"),
    "datasets": ("datasets_command", "which datasets are there; fetch them"),
    "reproduce": ("reproduce", "run the notebooks, write the report"),
    "publish": ("reproduce", "replace committed files by those of runs"),
    "report": ("reproduce", "write the report alone; nothing is run"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status, 2 on what one sentence says is wrong."""
    with lasting_output() as out:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
        out.flush()
        if out.fault is not None and not isinstance(out.fault, BrokenPipeError):
            print(f"all was done, but what was to be printed is lost: {out.fault}", file=sys.stderr)
            return status or 1
    return status


def _run(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=PROGRAM, epilog="COMMAND --help says what it takes.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, does) in COMMANDS.items():
        commands.add_parser(name, help=does, add_help=False)
    command = parser.parse_args(given[:1]).command
    try:
        _end_on_signals()
        return importlib.import_module(f"mmhash_nb.cli.{COMMANDS[command][0]}").main(given)
    except (ArithmeticError, OSError, RuntimeError, ValueError) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        print(f"error: {FULL if full else error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)
        (number,) = interrupt.args or (signal.SIGINT,)
        return 128 + number


def _end_on_signals() -> None:
    """Have TERM and HUP end a command as Ctrl-C does, with all the processes that it started.

    INT does so as well where it was ignored at the start, as a shell has it for what runs behind.
    HUP stays ignored where it was, for that is what `nohup` is for.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # another one may not set handlers
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and (name == "SIGINT" or signal.getsignal(number) is signal.SIG_DFL):
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt(number)
