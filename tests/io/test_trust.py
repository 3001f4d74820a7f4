"""Nothing from outside is unpickled, run or written where it should not be."""

import ast
import io
import re
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image
from table_cases import table_rows

from mmhash_nb.datasets import cifar10_files, decoding
from mmhash_nb.io import mat5
from mmhash_nb.io.download import extract
from mmhash_nb.io.matfiles import read_mat

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mmhash_nb"

#: what unpickles or runs what it is given, or unpacks it anywhere, by the end of its dotted name
DANGEROUS = (
    *("torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler", ".read_pickle"),
    *("joblib.load", "shelve.open", "marshal.load", "marshal.loads", "torch.hub.load", "jit.load"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader"),
    *("yaml.FullLoader", "yaml.UnsafeLoader", "os.system", "os.popen", "shutil.unpack_archive"),
    *("tempfile.mktemp", ".extractall", ".extract", "runpy.run_path", "runpy.run_module"),
    *("pandas.eval", "dill.load", "dill.loads", "builtins.eval", "builtins.exec"),
)
#: a method of that name that is given anything runs it, as a DataFrame's; a network's `eval()` not
RUN_A_STRING = ("eval", "query")
BUILT_IN = ("eval", "exec", "compile", "__import__")
#: calls that are safe with one argument of one value alone
ONLY_WITH = {
    "numpy.load": ("allow_pickle", False),
    "load_state_dict_from_url": ("weights_only", True),
}
#: arguments that are wrong with any other value, whatever the call
ONLY = {"allow_pickle": False, "weights_only": True, "shell": False}


def dangers(source: str) -> Counter[str]:
    """What in `source` is in the lists above, by name, and how often."""
    found: Counter[str] = Counter()
    full_names: dict[str, str] = {}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full_names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            full_names |= names
            found.update(filter(dangerous, names.values()))

    def named(node: ast.expr) -> str:
        base, *rest = ast.unparse(node).split(".")
        return ".".join([full_names.get(base, base), *rest])

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            name = named(node)
            found[name] += dangerous(name) or name in BUILT_IN
        elif isinstance(node, ast.keyword) and node.arg in ONLY:
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            found[node.arg] += value is not ONLY[node.arg]
        elif isinstance(node, ast.Call):
            given = {keyword.arg for keyword in node.keywords}
            if isinstance(node.func, ast.Attribute) and node.func.attr in RUN_A_STRING:
                found[f"{node.func.attr} of a string"] += bool(node.args or given)
            for name, (argument, _) in ONLY_WITH.items():
                if named(node.func).endswith(name):
                    found[f"{name} without {argument}"] += argument not in given
    return +found


def dangerous(name: str) -> bool:
    """Whether a full name is in the list; the package's own are made of those that are."""
    return name.endswith(DANGEROUS) and not name.startswith("mmhash_nb.")


@pytest.mark.parametrize(("source", "expected"), table_rows("dangers"))
def test_dangers_are_seen(source, expected):
    assert sorted(dangers(source)) == sorted(expected)


@pytest.mark.parametrize(("source", "times"), table_rows("repeated_dangers"))
def test_every_use_counts(source, times):
    assert list(dangers(source).values()) == [times]


def test_the_package_has_none_but_what_is_checked_before():
    found = {
        (path.relative_to(PACKAGE).as_posix(), name): times
        for path in PACKAGE.rglob("*.py")
        for name, times in dangers(path.read_text()).items()
    }
    assert found == {
        ("datasets/cifar10_files.py", "pickle.Unpickler"): 1,  # arrays only, and after its MD5
        ("explorer/widget.py", "query of a string"): 1,  # of a retriever, not of a DataFrame
        ("io/download.py", "zipped.extractall"): 1,  # after check_members
        ("io/download.py", "tarred.extractall"): 1,
        ("runner/jobs.py", "yaml.load"): 1,  # by a loader of text, numbers and lists alone
    }


def test_a_batch_file_makes_no_objects(tmp_path):
    from mmhash_nb.runner.jobs import from_file

    for tag in ("!!python/object/apply:os.getcwd []", "!!python/name:os.getcwd"):
        (tmp_path / "batch.yaml").write_text(f"- parameters: {{bits: {tag}}}\n")
        with pytest.raises(ValueError, match=r"batch\.yaml"):
            from_file(tmp_path / "batch.yaml", tmp_path)


def test_servers_listen_on_this_machine_alone_and_keep_their_token():
    recipes = (ROOT / "Makefile").read_text() + (ROOT / "README.md").read_text()
    lines = [line for line in recipes.splitlines() if re.search(r"jupyter[ -]lab\b", line)]
    assert any("--ip=127.0.0.1" in line for line in lines if "$(BIN)" in line)
    assert "0.0.0.0" not in recipes and "allow_origin" not in recipes
    assert not re.search(r"(token|password)=(''|\"\"|\s|$)", recipes, re.MULTILINE)


def mat(path, value, code, at):
    """A version 5 file of one variable `x` whose data has another type code."""
    scipy.io.savemat(path, {"x": value}, do_compression=False)
    data = bytearray(path.read_bytes())
    assert data[at] in (4, 9, 16), data[at]
    data[at] = code
    path.write_bytes(data)


@pytest.mark.parametrize("code", [0, 8, 10, 11, 14, 15, 19, 20, 200])
def test_type_codes_that_end_scipy_never_reach_it(tmp_path, code, monkeypatch):
    monkeypatch.setattr(scipy.io, "loadmat", lambda *a, **k: pytest.fail("SciPy was called"))
    # 128 header, 8 tag, 16 flags, 16 sides, 8 name: the data's own tag.
    mat(tmp_path / "a.mat", np.ones((2, 3)), code, 128 + 8 + 16 + 16 + 8)
    with pytest.raises(ValueError, match=rf"a.mat is truncated .* has the type code {code}"):
        read_mat(tmp_path / "a.mat", ["x"])


def test_cells_structs_text_and_sparse_matrices_pass_as_scipy_writes_them(tmp_path):
    import scipy.sparse

    cell = np.empty((1, 3), dtype=object)
    cell[0] = [np.ones((2, 2)), "words", {"a": 1 + 2j, "b": np.zeros((0, 0))}]
    made = {"c": cell, "s": {"x": cell}, "m": scipy.sparse.eye(4).tocsc(), "t": "text", "b": True}
    for compressed in (False, True):
        scipy.io.savemat(tmp_path / "a.mat", made, do_compression=compressed)
        assert set(made) <= set(mat5.loadmat(tmp_path / "a.mat", list(made)))


def test_a_shape_that_no_file_of_that_size_can_hold_is_not_allocated(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("x", (1 << 20, 1 << 20), "f8", chunks=(64, 64), fillvalue=1.0)
    with pytest.raises(ValueError, match=r"a\.mat .*x of shape \(1048576, 1048576\) has 0 bytes"):
        read_mat(tmp_path / "a.mat", ["x"])


def test_a_long_strip_is_no_photo(tmp_path):
    Image.new("L", (60_000, 1)).save(tmp_path / "strip.png")
    with pytest.raises(ValueError, match=r"strip\.png .* 60,000 pixels, over 16,384"):
        decoding.padded(tmp_path / "strip.png", 8)


def test_an_image_of_cifar10_that_unpacks_to_much_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "cifar.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train/cat/1.png", bytes(1 << 22))
    with pytest.raises(ValueError, match=r"1\.png in .* does not decode .*4,194,304 bytes"):
        cifar10_files.pixels_and_classes(tmp_path / "cifar.zip")


def test_an_archive_of_an_unknown_version_is_named(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.txt", "x")
    data = bytearray(held.getvalue())
    data[data.index(b"PK\x01\x02") + 6] = 235  # the version that is needed to unpack
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.zip is damaged .*version 23\.5\)\.$"):
        extract(tmp_path / "a.zip", tmp_path / "out")
