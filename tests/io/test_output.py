"""No stream that is closed, full, or of another encoding stops what is written to it."""

import io
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from mmhash_nb.io.output import Lasting, lasting_output, progress_bar, say
from mmhash_nb.training.progress import Progress

WORDS = "image → σκύλος \udce9\n"


def broken(error):
    class Broken(io.TextIOBase):
        def write(self, text):
            raise error

        def flush(self):
            raise error

    return Broken()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_what_an_encoding_lacks_is_escaped(encoding):
    buffer = io.BytesIO()
    stream = Lasting(io.TextIOWrapper(buffer, encoding=encoding))
    print(WORDS, "end", file=stream, flush=True)
    text = buffer.getvalue().decode(encoding)
    assert text.endswith("end\n") and r"\udce9" in text and stream.fault is None
    assert ("→" in text) == encoding.startswith("utf")


@pytest.mark.parametrize(
    "stream",
    [
        None,
        broken(OSError(28, "No space left on device")),
        broken(BrokenPipeError()),
        broken(ValueError("I/O operation on closed file")),
    ],
    ids=["none", "full", "broken pipe", "closed"],
)
def test_what_a_stream_refuses_is_lost(stream, monkeypatch):
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    say(WORDS)
    with lasting_output() as out:
        print(WORDS, flush=True)
        print(WORDS, file=sys.stderr, flush=True)
        assert not sys.stdout.isatty() and sys.stdout.encoding
    assert (out.fault is None) == (stream is None) and sys.stdout is stream
    for delay in (0.0, 3.0):
        bar = progress_bar(range(3), WORDS, delay=delay)
        assert list(bar) == [0, 1, 2]
    for headless in ("1", ""):
        monkeypatch.setenv("MMHASH_HEADLESS", headless)
        monkeypatch.setattr("mmhash_nb.training.progress.QUIET_SECONDS", -1.0)
        progress = Progress(WORDS, 2, 0)
        progress.step(0.5)
        progress.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device_is_a_stream_that_refuses():
    with suppress(OSError), open("/dev/full", "w", encoding="utf-8") as full:
        stream = Lasting(full)
        print("x" * 100_000, file=stream, flush=True)
        assert isinstance(stream.fault, OSError)
        print("more", file=stream, flush=True)
