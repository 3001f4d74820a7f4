"""What a batch runs: notebooks times parameter values, from the command line or a YAML file."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from mmhash_nb.io.project import project_root
from mmhash_nb.runner.notebook_parameters import parameters_for

_KEYS = ("notebooks", "parameters", "grid")
_MOST_CHARACTERS = 120
#: what is not left to the parameters' types: no value at all, and the merging of mappings
_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")


class _Loader(yaml.SafeLoader):
    """Values as they are written: YAML would read `no` as false, `010` as 8 and `1e-3` as text."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        there: list[Any] = []
        for key, _ in node.value:
            if key.value in there:  # YAML itself takes the last
                problem = f"{key.value} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            there.append(key.value)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Job:
    """One run of one notebook.

    Attributes:
        notebook: its file.
        parameters: typed values of those that are not left at their defaults.
        output: where the executed notebook goes.
        name: what it is called in lines and tables.
    """

    notebook: Path
    parameters: Mapping[str, Any]
    output: Path
    name: str


def find_notebooks(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these names, or all numbered ones of the repository in order.

    Args:
        names: file names in `notebooks/`, with or without `.ipynb`, or paths.

    Raises:
        FileNotFoundError: naming the notebooks there are.
    """
    numbered = sorted((project_root() / "notebooks").glob("[0-9]*.ipynb"))
    if not names and not numbered:
        raise FileNotFoundError(
            f"{project_root() / 'notebooks'} holds no numbered notebook: run from the repository."
        )
    by_stem = {path.stem: path for path in numbered}
    found = []
    for name in names:
        path = by_stem.get(name.removesuffix(".ipynb"), Path(name))
        if not path.is_file():
            there = ", ".join(by_stem)
            raise FileNotFoundError(f"there is no notebook {name!r}; there are {there}.")
        found.append(path)
    return found or numbered


def from_grid(
    names: Sequence[str],
    given: Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]],
    out: Path,
) -> list[Job]:
    """A job for each notebook and combination of the grid's values, the last varying fastest.

    Args:
        names: as for `find_notebooks`.
        given: parameters of every job; every notebook must have each of them.
        grid: for each parameter, its values.
        out: executed notebooks go to `out/notebooks/<notebook>.ipynb`, those with parameters to
            `out/notebooks/<notebook>/<parameters>.ipynb`.

    Raises:
        FileNotFoundError, ValueError: on an unknown notebook or parameter, a value of another type,
            or a parameter that is both given and in the grid.
    """
    if both := sorted(set(given) & set(grid)):
        raise ValueError(f"parameter {both[0]} has one value and a grid of them: give one of both.")
    folder = out.absolute() / "notebooks"
    jobs = []
    for notebook in find_notebooks(names):
        for values in itertools.product(*grid.values()):
            parameters = parameters_for(notebook, {**given, **dict(zip(grid, values, strict=True))})
            name = notebook.stem
            if parameters:
                name += f"/{_label(parameters)}"
            jobs.append(Job(notebook.absolute(), parameters, folder / f"{name}.ipynb", name))
    return _distinct(jobs)


def from_file(path: Path, out: Path) -> list[Job]:
    """The jobs of a YAML file: a list of mappings with `notebooks`, `parameters` and `grid`.

    Each is as `from_grid` takes it; `notebooks` may be one name, and all numbered ones are run
    where it is left out. A value is what is written there, read by the parameter's type.

    Raises:
        FileNotFoundError, ValueError: one sentence, that names the file and the job.
    """
    try:
        entries = yaml.load(path.read_bytes(), _Loader)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error}).") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ValueError(f"{path}{line} is no YAML: {problem}.") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} must be a list of jobs, each a mapping of {', '.join(_KEYS)}.")
    jobs = []
    for number, entry in enumerate(entries, 1):
        try:
            jobs += _of_entry(entry, out)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"{path}, job {number}: {error}") from None
    return _distinct(jobs)


def _of_entry(entry: object, out: Path) -> list[Job]:
    if not isinstance(entry, dict):
        raise ValueError(f"it must be a mapping of {', '.join(_KEYS)}, but is {entry!r}.")
    if unknown := [key for key in entry if key not in _KEYS]:
        raise ValueError(f"there is no key {unknown[0]!r}; there are {', '.join(_KEYS)}.")
    names = entry.get("notebooks", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"notebooks must be names, but is {names!r}.")
    mappings = {key: entry.get(key, {}) for key in ("parameters", "grid")}
    mappings = {key: {} if mapping is None else mapping for key, mapping in mappings.items()}
    for key, mapping in mappings.items():
        if not isinstance(mapping, dict):
            raise ValueError(f"{key} must be a mapping of parameters, but is {mapping!r}.")
    for name, values in mappings["grid"].items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"grid must list the values of {name}, but has {values!r}.")
    return from_grid(names, mappings["parameters"], mappings["grid"], out)


def _distinct(jobs: Iterable[Job]) -> list[Job]:
    """Jobs without repetitions; two that differ must not write the same file."""
    by_output: dict[Path, Job] = {}
    for job in jobs:
        other = by_output.setdefault(job.output, job)
        if (other.notebook.resolve(), other.parameters) != (job.notebook.resolve(), job.parameters):
            raise ValueError(
                f"{other.notebook} and {job.notebook} would both write {job.output}: run them "
                "with different --out."
            )
    return list(by_output.values())


def _label(parameters: Mapping[str, Any]) -> str:
    """A file name for parameters: `bits=16+32,dataset=wiki`.

    Where it does not say all of them, since some characters are no good in a file name or it would
    be too long, it ends in a part of their hash.
    """
    parts = [f"{name}={_text(parameters[name])}" for name in sorted(parameters)]
    exact = ",".join(parts)
    label = re.sub(r"[^\w.,=+-]", "-", exact, flags=re.ASCII)[:_MOST_CHARACTERS]
    if label == exact:
        return label
    whole = json.dumps(parameters, sort_keys=True)
    return f"{label}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return "+".join(_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
