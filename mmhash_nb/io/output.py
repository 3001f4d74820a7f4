"""Text output that never stops work: what a stream cannot show is replaced, or lost."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class Lasting(io.TextIOBase):
    """A stream whose `write` and `flush` never raise.

    What its encoding lacks is written as escapes. On a closed terminal or pipe, a full disk, or no
    stream at all, text is lost.

    Attributes:
        stream: what is written to; None where there is none.
        fault: why text was lost; None where none was.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.fault: Exception | None = None

    def write(self, text: str) -> int:
        with self._lasting() as stream:
            try:
                stream.write(text)
            except UnicodeError:
                encoding = getattr(stream, "encoding", None) or "ascii"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        with self._lasting() as stream:
            stream.flush()

    @contextmanager
    def _lasting(self) -> Iterator[Any]:
        try:
            yield self.stream if self.stream is not None and self.fault is None else io.StringIO()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            self.fault = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self.stream, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        with suppress(OSError, ValueError):
            return self.stream is not None and self.stream.isatty()
        return False

    def fileno(self) -> int:
        if self.stream is None:
            raise io.UnsupportedOperation("there is no stream")
        return self.stream.fileno()


@contextmanager
def lasting_output() -> Iterator[Lasting]:
    """Make standard output and error `Lasting` in the block; gives standard output."""
    streams = sys.stdout, sys.stderr
    out, err = (Lasting(stream) for stream in streams)
    sys.stdout, sys.stderr = out, err  # type: ignore[assignment]
    try:
        yield out
    finally:
        for one in (out, err):
            one.flush()
            if one.fault is not None:
                # What is left in its buffer must not fail again when Python ends.
                with suppress(OSError, ValueError):
                    null = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(null, one.fileno())
                    os.close(null)
        sys.stdout, sys.stderr = streams


def say(line: str) -> None:
    """Print a line to standard error, or lose it."""
    print(line, file=Lasting(sys.stderr), flush=True)


def progress_bar(*given: Any, delay: float = 3.0, **options: Any) -> Any:
    """A bar of tqdm, which appears after `delay` seconds, or is lost as what `say` prints."""
    from tqdm.auto import tqdm

    # In a notebook the bar is a widget, which a stream of our making would turn into text.
    kernel = sys.modules.get("ipykernel.kernelapp")
    if kernel is None or not kernel.IPKernelApp.initialized():
        options |= {"file": Lasting(sys.stderr), "dynamic_ncols": True}
    return tqdm(*given, delay=delay, **options)
