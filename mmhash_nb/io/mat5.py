"""MATLAB files of version 5 to 7, checked before SciPy reads them.

Why this is not left to SciPy: its reader (to 1.17 at least) takes the type code of an element as an
index into a table of pointers, and a damaged file ends the process (scipy/scipy#25349). So the tags
of what is to be read are checked first, in the order in which SciPy reads them.
"""

import math
import os
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import scipy.io

# Names of the format's specification.
_INT8, _UINT8, _INT32, _UINT32, _MATRIX, _COMPRESSED, _UTF8 = 1, 2, 5, 6, 14, 15, 16
_DATA = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18))
_CELL, _STRUCT, _CHAR, _SPARSE, _NUMERIC = 1, 2, 4, 5, range(6, 16)
_COMPLEX = 1 << 11
_DEPTH = 32
_BLOCK = 1 << 20


def loadmat(path: str | os.PathLike[str], names: Collection[str]) -> dict[str, Any]:
    """The variables `names` as `scipy.io.loadmat` gives them; those that are absent are left out.

    Version 4 has no such codes and goes to SciPy as it is.

    Raises:
        ValueError, and what SciPy raises: the file is not whole.
    """
    with open(path, "rb") as file:
        # SciPy takes a file for version 4 where one of the first four bytes is zero.
        if 0 not in file.read(4):
            check(file, names)
    return scipy.io.loadmat(Path(path), variable_names=list(names))


def check(file: BinaryIO, names: Collection[str]) -> None:
    """Refuse type codes and lengths that the variables `names` cannot have.

    Raises:
        ValueError: on the first one.
    """
    file.seek(126)
    order = "<" if file.read(2) == b"IM" else ">"
    wanted = set(names)
    size = file.seek(0, os.SEEK_END)
    at = file.seek(128)
    while wanted and at < size:
        code, length = struct.unpack(f"{order}II", _exactly(file, 8))
        at += 8 + length
        source: _Source = file
        if code == _COMPRESSED:
            source = _Inflated(file, length)
            code, _ = struct.unpack(f"{order}II", _exactly(source, 8))
        if code != _MATRIX:
            raise ValueError(f"a variable has the type code {code}, not {_MATRIX}")
        walk = _Walk(source, order)
        header = walk.header()
        if header[2].decode("latin1") in wanted:
            wanted.remove(header[2].decode("latin1"))
            walk.contents(*header[:2], depth=0)
        file.seek(at)


class _Source(Protocol):
    def read(self, n: int, /) -> bytes: ...


class _Inflated:
    """A compressed element, inflated as it is read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length
        self._inflate, self._ready = zlib.decompressobj(), b""

    def read(self, n: int, /) -> bytes:
        """The next `n` bytes, fewer where it ends."""
        while len(self._ready) < n and not self._inflate.eof:
            block = self._inflate.unconsumed_tail
            if not block:
                block = self._file.read(min(_BLOCK, self._left))
                self._left -= len(block)
            if not block:
                break
            self._ready += self._inflate.decompress(block, _BLOCK)
        found, self._ready = self._ready[:n], self._ready[n:]
        return found


class _Walk:
    """The elements of one variable, one after the other."""

    def __init__(self, source: _Source, order: str) -> None:
        self._source, self._order = source, order

    def header(self) -> tuple[int, int, bytes]:
        """Flags and class, number of values, and name of a matrix whose tag was read."""
        code, length, flags, _ = struct.unpack(f"{self._order}IIII", _exactly(self._source, 16))
        if (code, length) != (_UINT32, 8):
            raise ValueError("the flags of a variable are damaged")
        sides = self.element((_INT32,), most=4 * _DEPTH)
        if len(sides) % 4:
            raise ValueError("the sides of a variable are damaged")
        count = math.prod(struct.unpack(f"{self._order}{len(sides) // 4}i", sides))
        return flags, count, self.element((_INT8, _UTF8), most=4096)

    def contents(self, flags: int, count: int, depth: int) -> None:
        """What follows the header of a matrix, with all that lies in it."""
        kind = flags & 255
        if depth > _DEPTH or count < 0:
            raise ValueError("a variable lies too deep in others or has a negative side")
        if kind in (_CELL, _STRUCT):
            fields = 1
            if kind == _STRUCT:
                width = self.element((_INT32,), most=4)
                names = self.element((_INT8,), most=1 << 20)
                width_of = struct.unpack(f"{self._order}i", width)[0] if len(width) == 4 else 0
                if width_of < 1:
                    raise ValueError("the names of a struct's fields are damaged")
                fields = len(names) // width_of
            for _ in range(count * fields):
                code, length = struct.unpack(f"{self._order}II", _exactly(self._source, 8))
                if code != _MATRIX:
                    raise ValueError(f"a cell has the type code {code}, not {_MATRIX}")
                if length:  # an empty one has no header either
                    self.contents(*self.header()[:2], depth=depth + 1)
        elif kind in (_CHAR, _SPARSE, *_NUMERIC):
            parts = {_CHAR: 1, _SPARSE: 3}.get(kind, 1)
            for _ in range(parts + bool(flags & _COMPLEX and kind != _CHAR)):
                self.element(_DATA)
        else:
            raise ValueError(
                f"a variable of class {kind} is none of numbers, text, cells, structs; save "
                "cellstr(x) of a string array, table2array(x) of a table"
            )

    def element(self, codes: Collection[int], most: int = 0) -> bytes:
        """Go over an element of one of the type codes; give its bytes where they may be `most`."""
        first, length = struct.unpack(f"{self._order}II", _exactly(self._source, 8))
        small = first >> 16
        if small:  # both in the first word, the data in the second
            code, data = first & 0xFFFF, struct.pack(f"{self._order}I", length)
            if small > 4:
                raise ValueError(f"an element of {small} bytes cannot be a small one")
        else:
            code = first
        if code not in codes:
            raise ValueError(f"an element has the type code {code}, which it cannot have")
        if small:
            return data[:small]
        if most:
            if length > most:
                raise ValueError(f"an element has {length} bytes, which is too many")
            return _exactly(self._source, length + -length % 8)[:length]
        left = length
        while left:
            left -= len(_exactly(self._source, min(left, _BLOCK)))
        # The last element of a variable may lack what fills it up to whole eights.
        self._source.read(-length % 8)
        return b""


def _exactly(source: _Source, n: int) -> bytes:
    found = source.read(n)
    if len(found) < n:
        raise ValueError("it ends within a variable")
    return found
