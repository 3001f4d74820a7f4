"""The source of a class, and what one from outside the package holds beside it."""

import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any
from uuid import uuid4

from mmhash_nb.experiments.notebook_code import notebook_code, plain
from mmhash_nb.hashers.options import Options
from mmhash_nb.io import imports
from mmhash_nb.io.download import digest_of

#: where descriptors and caches have their functions
_WRAPPED = ("__func__", "fget", "fset", "fdel", "func", "__wrapped__")


class ClassSource:
    """What decides what a class does: its source, and what it holds where a user wrote it.

    That is its name, its attributes and the values in closures of its functions, of its bases as
    well. A function or class among the values counts by its source, another object by its state.

    Attributes:
        files: source files of the class, of its bases, and of functions and classes it holds.
        texts: code of a notebook that they use, and the values of a class from outside the package.

    Raises:
        ValueError: a function of the class uses a variable from around it that has no such text.
    """

    def __init__(self, cls: type) -> None:
        self.files: set[Path] = set()
        self.texts: list[str] = []
        self._cls = cls
        self._seen: dict[int, tuple[int, Any]] = {}
        for one in cls.__mro__:
            file = imports.own_file(one.__module__)
            self._add_source(one, one.__module__, [one.__qualname__], file)
        if cls.__module__.partition(".")[0] != imports.PACKAGE.name:
            values = [self._class(one) for one in cls.__mro__]
            self.texts.append(f"values = {values}")

    def _value(self, value: Any) -> str:
        """A text of a value that no other value has; a `TypeError` where there is none."""
        if (text := plain(value)) is not None:
            return text
        if id(value) in self._seen:
            return f"again {self._seen[id(value)][0]}"
        self._seen[id(value)] = len(self._seen), value  # held, so that no other gets its id
        match value:
            case type():
                self._add_source(value, value.__module__, [value.__qualname__])
                return self._class(value)
            case FunctionType():
                return self._function(value)
            case ModuleType():
                return value.__name__
            case tuple() | list() | set() | frozenset() | dict():
                items = value.items() if isinstance(value, dict) else value
                return f"{type(value)} {[self._value(one) for one in items]}"
        if hasattr(value, "detach"):
            return f"{value.dtype} {plain(value.detach().cpu().double().numpy())}"
        try:
            state = value.__reduce_ex__(4)
        except Exception:
            raise TypeError(type(value).__name__) from None
        if isinstance(state, str):
            return f"{state} {self._value(getattr(value, '__wrapped__', None))}"
        items = [list(one) for one in state[3:] if one]  # of iterators
        return str([self._value(one) for one in (*state[:3], *items)])

    def _class(self, cls: type) -> str:
        self._seen.setdefault(id(cls), (len(self._seen), cls))
        texts = [f"{cls.__module__} {cls.__qualname__}"]
        file = imports.module_file(cls.__module__)
        users = _typed_in(cls.__module__) if file is None else imports.PACKAGE not in file.parents
        for key, value in sorted(vars(cls).items()) if users or cls is self._cls else ():
            functions = {name: getattr(value, name, None) for name in _WRAPPED} | {"": value}
            for name, function in functions.items():
                if isinstance(function, FunctionType):
                    texts.append(f"{key} {name} {self._value(function)}")
            if key.startswith("__") or (isinstance(value, type) and issubclass(value, Options)):
                continue  # a record has the values of options
            with suppress(TypeError):  # of what the source alone describes
                texts.append(f"{key} {self._value(value)}")
        return "\n".join(texts)

    def _function(self, function: FunctionType) -> str:
        # A wrapper has the `__module__` and `__qualname__` of what it wraps.
        code, module = function.__code__, function.__globals__.get("__name__", "")
        self._add_source(function, module, [code.co_qualname, *code.co_names])
        texts = [f"{module} {code.co_qualname}"]
        if "<" in code.co_qualname:  # of which one scope may have several
            texts.append(_compiled(code, function.__doc__))
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        used = {name: cell.cell_contents for name, cell in cells if cell != CellType()}
        used |= {"its defaults": (function.__defaults__, function.__kwdefaults__)}
        for name, value in used.items():
            try:
                texts.append(f"{name} {self._value(value)}")
            except TypeError as error:
                raise ValueError(
                    f"{function.__qualname__} uses {name} with a {error} in it, of which a record "
                    "cannot tell the content: give it as an option or make it in the function."
                ) from None
        return "\n".join(texts)

    def _add_source(
        self, value: Any, module: str, names: list[str], installed: Path | None = None
    ) -> None:
        """Add the file of a function or class, or the notebook's code that defines `names[0]`."""
        file = imports.module_file(module) or installed
        if file is not None and file.suffix == ".py":
            self.files.add(file)
        elif file is not None:
            self.texts.append(f"compiled = {digest_of(file, 'sha256')!r}")
        elif _typed_in(module):
            namespace = vars(sys.modules[module]) if module in sys.modules else {}
            root = names[0].partition(".")[0]
            used = [name for name in names[1:] if name in namespace]
            for name in [root] if root in namespace or isinstance(value, type) else used:
                text = notebook_code(name, namespace) if name in namespace else None
                self.texts.append(_unknown(value) if text is None else text)


def _typed_in(module: str) -> bool:
    """Whether code was typed in: in a notebook, or in Python's shell."""
    if module in sys.builtin_module_names:
        return False
    return getattr(sys.modules.get(module), "__file__", None) is None


@cache
def _unknown(value: Any) -> str:
    """A statement that stands for the code of a class or function, another in each process."""
    return f"unknown = {uuid4().hex!r}"


def _compiled(code: CodeType, doc: str | None = None) -> str:
    """Instructions, names and constants of a function without its docstring `doc`."""
    constants = [one for one in code.co_consts if doc is None or one != doc]
    texts = [_compiled(one) if isinstance(one, CodeType) else plain(one) for one in constants]
    return f"{code.co_code.hex()} {code.co_names} {texts}"
