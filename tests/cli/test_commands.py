"""From a folder to a search by the command line, each command a process, and what it refuses."""

import csv
import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from nasty_labels import joined
from nasty_pictures import png
from PIL import Image
from table_cases import table_rows
from user_folder import HEADER, KINDS, write_folder, write_table

from mmhash_nb import cli as commands
from mmhash_nb import hashers
from mmhash_nb.cli import models, reproduce
from mmhash_nb.cli.backbone_choice import chosen_backbone
from mmhash_nb.cli.models import Gallery, load_model
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import folder, load
from mmhash_nb.features import pretrained
from mmhash_nb.figures import search_results
from mmhash_nb.hashers.base import Hasher

SMALL = ("--size", "16", "--bits", "16")
SCM = ("--method", "scm", *SMALL)
#: a joint method that is trained in no time
JOINT = ("--method", "concat", "-p", "epochs", "2", "-p", "text_hidden", "8")


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    """A command in this process: exit status, what it printed, and what it complained of."""
    status = commands.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def refused(capsys, *arguments: object) -> str:
    """The one sentence that a command ends with."""
    status, _, err = run(capsys, *arguments)
    assert status == 2 and err.startswith("error: ") and err.count("\n") == 1
    return err.removeprefix("error: ").strip()


def fit(capsys, items: Path, out: Path, *given: object) -> tuple[int, str, str]:
    return run(capsys, "fit", items, "--out", out, *given)


def encoding(items: Path, model: Path, modality: str, out: Path) -> tuple[object, ...]:
    """The command line of `encode`."""
    return "encode", items, "--model", model, "--modality", modality, "--out", out


def rows_of(path: Path) -> list[list[str]]:
    with open(path / "pairs.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def found(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out), delimiter="\t"))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder of sixty items with a model `scm` and codes of its pictures and texts."""
    path = tmp_path_factory.mktemp("own")
    write_folder(path / "items")
    assert commands.main(["fit", str(path / "items"), "--out", str(path / "scm"), *SCM]) == 0
    for modality in ("image", "text"):
        given = ["--model", str(path / "scm"), "--modality", modality]
        out = ["--out", str(path / f"{modality}.npz")]
        assert commands.main(["encode", str(path / "items"), *given, *out]) == 0
    return path


@pytest.mark.slow
def test_fit_encode_and_search_in_a_process_each(tmp_path):
    write_folder(tmp_path / "my items")

    def process(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mmhash_nb", *arguments],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(commands.__file__).parents[2])},
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    said = process("fit", "my items", "--out", "model", *SMALL)
    assert said.startswith("60 items with 9 labels, 2.0 an item") and "8 tokens are known" in said
    scores = {line[:20].strip(): line.split()[-3:-1] for line in said.splitlines() if "→" in line}
    assert list(scores) == ["image → image", "image → text", "text → image", "text → text"]
    assert all(float(ours) > float(chance) + 0.15 for ours, chance in scores.values())
    model, codes = ("--model", "model"), ("--out", "codes.npz")
    said = process("encode", "my items", *model, "--modality", "image", *codes)
    assert said == "60 codes of 16 bits, from image: codes.npz\n"
    out = process("search", *model, "--codes", "codes.npz", "--text", "σκύλος", "-k", "5")
    nearest, rows = found(out), rows_of(tmp_path / "my items")
    assert len(nearest) == 5
    for item in nearest:
        i = int(item["line"]) - 2
        assert [item["image"], item["text"]] == rows[i][:2] and i % 3 == 0
    assert {p.name for p in tmp_path.iterdir()} == {"my items", "model", "codes.npz"}


def test_codes_are_those_that_the_kept_method_makes_of_the_folder(home):
    method = hashers.load(home / "scm")
    pairs = load("folder", home / "items", size=16)
    for modality in ("image", "text"):
        assert HashCodes.load(home / f"{modality}.npz") == method.encode(pairs, modality)
    assert load_model(home / "scm").preprocessing.vocabulary == pairs.vocabulary


def test_a_picture_and_words_ask_as_their_item_does(home, capsys):
    codes = {m: HashCodes.load(home / f"{m}.npz") for m in ("image", "text")}
    rows = rows_of(home / "items")
    for i in (4, 11):
        for modality, value in (("image", home / "items" / rows[i][0]), ("text", rows[i][1])):
            for other in ("image", "text"):
                given = ("--model", home / "scm", "--codes", home / f"{other}.npz", "-k", 60)
                status, out, _ = run(capsys, "search", *given, f"--{modality}", value)
                assert status == 0
                differ = codes[modality].signs()[i] != codes[other].signs()
                expected = [(int(d), n) for n, d in enumerate(differ.sum(axis=1))]
                got = [(int(item["distance"]), int(item["line"]) - 2) for item in found(out)]
                assert got == sorted(expected)


def test_a_picture_and_words_together_add_their_distances(home, capsys):
    codes = {m: HashCodes.load(home / f"{m}.npz").signs() for m in ("image", "text")}
    rows = rows_of(home / "items")
    both = ("--image", home / "items" / rows[4][0], "--text", rows[11][1])
    given = ("--model", home / "scm", "--codes", home / "text.npz", "-k", 60, *both)
    status, out, _ = run(capsys, "search", *given)
    parts = (codes["image"][4], codes["text"][11])
    total = sum((part != codes["text"]).sum(axis=1) for part in parts)
    got = [(int(item["distance"]), int(item["line"]) - 2) for item in found(out)]
    assert status == 0 and got == sorted((int(d), n) for n, d in enumerate(total))


def test_a_network_of_vectors_is_fitted_saved_and_searched(home, tmp_path, capsys):
    model = tmp_path / "mmnn"
    given = ("--method", "mmnn_l1", "-p", "epochs", 2, "--bits", 8, "--size", 16)
    status, out, _ = fit(capsys, home / "items", model, *given)
    assert status == 0 and "at most" in out and "ζώο: 20 items, such as" in out
    kept = load_model(model)
    assert kept.preprocessing.images == "vectors" and kept.method.name == "mmnn_l1"
    for modality in ("image", "text"):
        encode = encoding(home / "items", model, modality, tmp_path / f"{modality}.npz")
        assert run(capsys, *encode)[0] == 0
    picture = home / "items" / rows_of(home / "items")[3][0]
    found_by = ("--codes", tmp_path / "image.npz", "--image", picture, "-k", 1)
    _, out, _ = run(capsys, "search", "--model", model, *found_by)
    assert found(out)[0]["distance"] == "0"


def test_weights_that_are_here_are_the_automatic_choice(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(pretrained, "fetch", no_network)
    name, file = chosen_backbone("auto", None)
    printed = capsys.readouterr().out
    assert (name, file) == ("small", "") and "no network" in printed and "mobilenet_v2" in printed
    weights = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    weights.parent.mkdir()
    weights.touch()
    assert chosen_backbone("auto", None) == ("resnet18", "")
    assert chosen_backbone("auto", weights) == ("mobilenet_v2", str(weights))
    assert chosen_backbone(None, None) == ("", "")


def no_network(*_, **__):
    raise ConnectionError("there is no network.")


def test_a_picture_finds_the_same_in_whatever_form_it_is_stored(home, tmp_path, capsys):
    picture = home / "items" / rows_of(home / "items")[1][0]
    with Image.open(picture) as opened:
        levels = np.asarray(opened)
    (tmp_path / "deep.png").write_bytes(png(levels.astype(np.uint16) * 257, 16))
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(levels[::-1, ::-1]).save(tmp_path / "turned.png", exif=exif)
    outputs = set()
    for path in (picture, tmp_path / "deep.png", tmp_path / "turned.png"):
        given = ("--model", home / "scm", "--codes", home / "text.npz", "-k", 60, "--image", path)
        status, out, _ = run(capsys, "search", *given)
        assert status == 0
        outputs.add(out)
    assert len(outputs) == 1


def test_what_is_found_is_drawn(home, tmp_path, capsys):
    rows = rows_of(home / "items")
    drawing = ("--folder", home / "items", "--gallery", tmp_path / "found.png", "-k", 7)
    given = ("--model", home / "scm", "--codes", home / "image.npz", *drawing)
    status, out, err = run(capsys, "search", *given, "--text", rows[0][1])
    assert status == 0 and len(found(out)) == 7 and err == f"drawn in {tmp_path / 'found.png'}\n"
    with Image.open(tmp_path / "found.png") as opened:
        drawn = np.asarray(opened.convert("RGB")).astype(int)
    # Of the first row the query's words are white around, and five red pictures follow.
    first = drawn[: drawn.shape[0] // 2].reshape(-1, 3)
    red = (np.abs(first - KINDS[0][1]).max(axis=1) < 60).mean()
    assert red > 0.25
    picture = home / "items" / rows[1][0]
    (tmp_path / "found.png").unlink()
    assert run(capsys, "search", *given, "--image", picture)[0] == 0
    (tmp_path / "found.png").rename(tmp_path / "before.png")
    (home / "items" / rows[0][0]).rename(tmp_path / "away.png")
    try:
        said = refused(capsys, "search", *given, "--text", rows[0][1], "-k", 60)
        assert said.startswith(f"there is no file {rows[0][0]!r} in ")
        assert said.endswith("items: --folder names the one encoded.")
    finally:
        (tmp_path / "away.png").rename(home / "items" / rows[0][0])
    (tmp_path / "before.png").rename(tmp_path / "found.png")
    search = ("search", *given[:4], "--text", "x", "--gallery")
    for wrong in ((tmp_path / "x.png",), (tmp_path / "x.jpg", "--folder", home / "items")):
        said = refused(capsys, *search, *wrong)
        assert said.startswith("--gallery takes the name of a .png file and needs --folder")
        assert not wrong[0].exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_results, "MOST_ITEMS", 6)
        said = refused(
            capsys, "search", *given[:-3], tmp_path / "y.png", *given[-2:], *search[-3:-1]
        )
        assert said == "a gallery shows at most 6 items, but there are 7."
    said = refused(capsys, *search, tmp_path / "found.png")
    assert said.endswith("found.png is there already: remove it, or give another --gallery.")


def test_letters_that_no_font_has_are_one_sentence(home, tmp_path, capsys):
    asked = ("--text", "\U000f1234 σκύλος", "-k", 2)  # for private use, and in no font
    drawing = ("--folder", home / "items", "--gallery", tmp_path / "found.png")
    given = ("--model", home / "scm", "--codes", home / "image.npz", *drawing)
    status, _, err = run(capsys, "search", *given, *asked)
    assert status == 0 and err.count("\n") == 2
    assert err.splitlines()[1].startswith("it has boxes where no font of this machine has a letter")


def test_texts_that_are_found_are_drawn_without_pictures(home, tmp_path, capsys):
    rows = [["", row[1]] for row in rows_of(home / "items")[:6]]
    (tmp_path / "new").mkdir()
    write_table(tmp_path / "new", rows, HEADER[:2])
    model = ("--model", home / "scm")
    encode = encoding(tmp_path / "new", home / "scm", "text", tmp_path / "c")
    assert run(capsys, *encode)[0] == 0
    drawing = ("--folder", tmp_path / "new", "--gallery", tmp_path / "found.png")
    asked = ("--image", home / "items" / rows_of(home / "items")[0][0], "-k", 3)
    assert run(capsys, "search", *model, "--codes", tmp_path / "c", *drawing, *asked)[0] == 0
    assert (tmp_path / "found.png").stat().st_size > 1000


@pytest.mark.parametrize("command", ["fit", "encode", "search"])
def test_a_device_that_is_not_there_is_refused(home, tmp_path, capsys, monkeypatch, command):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    mah = ("--method", "concat", "-p", "epochs", "1", "-p", "text_hidden", "8", *SMALL)
    items, model = home / "items", tmp_path / "m"
    search = ("--model", model, "--codes", tmp_path / "c", "--text", "σκύλος")
    given = {
        "fit": ("fit", items, "--out", tmp_path / "x", *mah),
        "encode": encoding(items, model, "joint", tmp_path / "x"),
        "search": ("search", *search, "--image", items / rows_of(items)[0][0]),
    }
    if command != "fit":
        assert fit(capsys, items, model, *mah)[0] == 0
        assert run(capsys, *encoding(items, model, "joint", tmp_path / "c"))[0] == 0
    said = refused(capsys, *given[command], "--device", "cuda")
    assert "PyTorch sees no CUDA device here for device='cuda'" in said


def test_items_that_lack_a_modality_or_labels_are_encoded_by_what_they_have(home, tmp_path, capsys):
    rows = write_folder(tmp_path / "new", n=8)
    rows[0][1] = rows[1][0] = ""
    rows[2][1] = "άγνωστο"
    write_table(tmp_path / "new", [row[:2] for row in rows], HEADER[:2])
    for modality, lines, said in (
        ("image", [2, *range(4, 10)], ""),
        ("text", range(3, 10), "1 of 7 texts hold nothing that the model knows\n"),
    ):
        encode = encoding(tmp_path / "new", home / "scm", modality, tmp_path / modality)
        status, out, err = run(capsys, *encode)
        assert status == 0 and out.startswith(said + "7 codes of 16 bits")
        assert "left out: 1 of the 8 rows of" in err and f"have no {modality}." in err
        gallery = Gallery.load(tmp_path / modality)
        assert [line for line, *_ in gallery.items] == list(lines)
    same = HashCodes.load(home / "image.npz")[[0, *range(2, 8)]]  # the same pictures as there
    assert Gallery.load(tmp_path / "image").codes == same


def test_a_joint_method_wants_both(home, tmp_path, capsys):
    out = tmp_path / "concat"
    assert fit(capsys, home / "items", out, *JOINT, *SMALL)[0] == 0
    rows = rows_of(home / "items")
    write_folder(tmp_path / "new", n=6)
    write_table(
        tmp_path / "new",
        [[*row[:1], "", ""] if i == 2 else row for i, row in enumerate(rows[:6])],
        HEADER[:3],
    )
    encode = encoding(tmp_path / "new", out, "joint", tmp_path / "c")
    assert "line 4: no text" in refused(capsys, *encode)
    status, said, err = run(capsys, *encode, "--on-error", "skip")
    assert status == 0 and said.startswith("5 codes of 16 bits, from joint") and "line 4" in err
    search = ("search", "--model", out, "--codes", tmp_path / "c", "--text", rows[1][1])
    assert refused(capsys, *search) == "concat does not encode text; it encodes joint."
    status, said, _ = run(capsys, *search, "--image", home / "items" / rows[1][0], "-k", 1)
    (first,) = found(said)
    assert status == 0 and first["distance"] == "0"


def test_a_method_of_pictures_alone_needs_no_texts(home, tmp_path, capsys):
    rows = rows_of(home / "items")
    write_table(home / "items", [[row[0], row[2]] for row in rows], ("image", "labels"))
    try:
        given = ("--method", "dth", "-p", "epochs", "2", *SMALL)
        status, out, _ = fit(capsys, home / "items", tmp_path / "m", *given)
    finally:
        write_table(home / "items", rows, HEADER[:3])
    assert status == 0 and "48 items to learn from" in out and out.count("→") == 1


def test_options_of_a_method_and_n_grams_are_kept(home, tmp_path, capsys):
    out, codes = tmp_path / "m", tmp_path / "c"
    given = ("--method", "scm", "--tokens", "char", "--ngram", 2, "--size", 16, "--bits", 8)
    options = ("-p", "ridge", "0.01", "-p", "size", "24")
    assert fit(capsys, home / "items", out, *given, *options)[0] == 0
    model = load_model(out)
    assert model.method.options["ridge"] == 0.01 and model.method.options["size"] == 24
    lengths = {len(token) for token in model.preprocessing.vocabulary}
    assert model.method.n_bits == 8 and lengths == {2}
    assert run(capsys, *encoding(home / "items", out, "text", codes))[0] == 0
    status, said, err = run(capsys, "search", "--model", out, "--codes", codes, "--text", "βάρκες")
    assert status == 0 and not err
    assert {int(item["line"]) % 3 for item in found(said)[:5]} == {0}, "items 1, 4, … are boats"


# What is refused


@pytest.mark.parametrize(("given", "message"), table_rows("wrong_fit_arguments"))
def test_fit_refuses_with_a_sentence_and_leaves_nothing(home, tmp_path, capsys, given, message):
    given = [value.replace("{home}", str(home)) for value in given]
    out = [] if "--out" in given else ["--out", tmp_path / "m"]
    assert message in refused(capsys, "fit", home / "items", *out, *SCM, *given)
    assert not list(tmp_path.iterdir())


def test_mistakes_in_the_folder_are_the_commands_own(tmp_path, capsys):
    assert "there is no pairs.csv in" in refused(capsys, "fit", tmp_path, "--out", tmp_path / "m")
    rows = write_folder(tmp_path / "items", n=12, split=True)
    for row in rows:
        row[3] = "train"
    write_table(tmp_path / "items", rows)
    said = refused(capsys, "fit", tmp_path / "items", "--out", tmp_path / "m", *SCM)
    assert said.endswith("has no row of split query to judge by: mark some.")
    rows[1][2] = ""
    write_table(tmp_path / "items", rows)
    said = refused(capsys, "fit", tmp_path / "items", "--out", tmp_path / "m", *SCM)
    assert "(line 3: no labels)" in said and not (tmp_path / "m").exists()


def test_labels_that_are_lists_are_refused_and_doubts_are_said(tmp_path, capsys):
    rows = write_folder(tmp_path / "items", n=12)
    given = [[*row[:2], cell] for row, cell in zip(rows, joined(", "), strict=True)]
    write_table(tmp_path / "items", given, HEADER[:3])
    said = refused(capsys, "fit", tmp_path / "items", "--out", tmp_path / "m", *SCM)
    assert "8 labels with ',', such as 'dog, beach', of " in said and not (tmp_path / "m").exists()
    rows[0][2] = "ζώο;ΖΏΟ"
    write_table(tmp_path / "items", rows, HEADER[:3])
    status, _, err = fit(capsys, tmp_path / "items", tmp_path / "m", *SCM)
    assert status == 0 and "'ΖΏΟ' (1 row) in " in err


def test_what_cannot_be_found_is_counted_beside_every_mean(tmp_path, capsys):
    rows = write_folder(tmp_path / "items", n=18, split=True)
    queries = [row for row in rows if row[3] == "query"]
    queries[0][2] = "alone"
    write_table(tmp_path / "items", rows)
    status, out, err = fit(capsys, tmp_path / "items", tmp_path / "m", *SCM)
    most = f"eans are over {len(queries)} queries, of which 1 have nothing to find and count as 0: "
    most += f"at most {1 - 1 / len(queries):.3f} is possible."
    assert status == 0 and f"pairs.csv: m{most}\n" in err and f"\nM{most}\n" in out


def test_encode_and_search_refuse_with_a_sentence(home, tmp_path, capsys):
    model, image = ("--model", home / "scm"), ("--codes", home / "image.npz")
    encode = partial(encoding, home / "items", home / "scm")
    assert "is there already" in refused(capsys, *encode("text", home / "image.npz"))
    said = refused(capsys, *encode("joint", tmp_path / "c"))
    assert said == "scm does not encode joint; it encodes image, text."
    said = refused(capsys, *encoding(home / "items", tmp_path, "text", tmp_path / "c"))
    assert said.endswith("has no method.json: the command fit makes a model.")
    search = ("search", *model)
    for given, message in (
        (image, "there is nothing to search for: give --text, --image or both."),
        (
            (*image, "--text", "dog 7"),
            "the model knows nothing of 'dog 7'; it knows 8 tokens, such",
        ),
        ((*image, "--image", tmp_path / "x.png"), "there is no picture "),
        ((*image, "--image", home / "image.npz"), "image.npz is no picture: give another"),
        ((*image, "--text", "σκύλος", "-k", 0), "k must be an integer from 1 to the 60 codes"),
        (("--codes", tmp_path / "x", "--text", "x"), "there are no codes in "),
        (("--codes", home / "scm" / "data.json", "--text", "x"), "holds no codes of the command"),
    ):
        assert message in refused(capsys, *search, *given)
    assert not list(tmp_path.iterdir())
    _, _, err = run(capsys, *search, *image, "--text", "σκύλος και γάτα")
    assert err == "not known to the model: και, γάτα\n"


def test_codes_of_another_model_are_refused(home, tmp_path, capsys):
    assert fit(capsys, home / "items", tmp_path / "m", "--seed", 1, *SCM)[0] == 0
    given = ("--codes", home / "image.npz", "--text", "σκύλος")
    said = refused(capsys, "search", "--model", tmp_path / "m", *given)
    assert "are of another model than" in said


def test_codes_that_do_not_compare_are_refused(home, tmp_path, capsys):
    given = ("--method", "ksh", "-p", "anchors", 10, "--images", "hog", "--size", 32, "--bits", 8)
    model = ("--model", tmp_path / "m")
    assert fit(capsys, home / "items", tmp_path / "m", *given)[0] == 0
    encode = encoding(home / "items", tmp_path / "m", "image", tmp_path / "c")
    assert run(capsys, *encode)[0] == 0
    said = refused(capsys, "search", *model, "--codes", tmp_path / "c", "--text", "σκύλος")
    assert said == "codes of image cannot be searched by text with ksh, which finds image by image."
    picture = home / "items" / rows_of(home / "items")[0][0]
    status, out, _ = run(capsys, "search", *model, "--codes", tmp_path / "c", "--image", picture)
    assert status == 0 and found(out)[0]["distance"] == "0"


# What is left


def test_a_model_and_codes_appear_whole_or_not_at_all(home, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(models.Preprocessing, "save", full)
        said = refused(capsys, "fit", home / "items", "--out", tmp_path / "m", *SCM)
        assert "the disk is full" in said
        patch.setattr(np, "savez_compressed", full)
        encode = encoding(home / "items", home / "scm", "text", tmp_path / "c")
        assert "the disk is full" in refused(capsys, *encode)
    assert not list(tmp_path.iterdir())


def test_a_search_keeps_nothing_of_the_picture(home, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    Image.new("RGB", (9, 9), KINDS[0][1]).save(tmp_path / "a.png")
    given = ("--model", home / "scm", "--codes", home / "text.npz", "--image", tmp_path / "a.png")
    assert run(capsys, "search", *given)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    "about",
    [b"", b"[]", b'{"items": []}', b'{"items": [[1, "a", "b"]], "modality": "image", "model": ""}'],
)
def test_damaged_codes_are_one_sentence(tmp_path, about):
    path = tmp_path / "c.npz"
    bits = np.zeros((2, 1), np.uint8)
    arrays = {
        "codes.bits": bits,
        "codes.n_bits": np.array(8),
        "about": np.frombuffer(about, np.uint8),
    }
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"c\.npz holds no codes of the command encode \(.*\)\.$"):
        Gallery.load(path)


def test_a_model_without_codes_is_refused(tmp_path):
    method = hashers.create("raw", 8)
    method.state = {"x": np.zeros(1)}
    method.save(tmp_path)
    models.Preprocessing(vocabulary=()).save(tmp_path / models.DATA)
    assert not isinstance(method, Hasher)
    with pytest.raises(ValueError, match="holds raw, which has no codes"):
        load_model(tmp_path)


def test_a_terminal_that_cannot_show_it_stops_nothing(home, tmp_path, monkeypatch):
    buffer = io.BytesIO()
    given = ("--model", str(home / "scm"), "--codes", str(home / "image.npz"), "-k", "2")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
        assert commands.main(["search", *given, "--text", "σκύλος"]) == 0
        assert b"\\u03c3\\u03ba\\u03cd\\u03bb" in buffer.getvalue()
        patch.setattr(sys, "stdout", None)
        assert commands.main(["search", *given, "--text", "σκύλος"]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_cannot_be_printed_is_lost_when_all_is_done(home, tmp_path, monkeypatch, capsys):
    with open("/dev/full", "w", encoding="utf-8") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        encode = encoding(home / "items", home / "scm", "text", tmp_path / "c")
        assert commands.main([str(argument) for argument in encode]) == 1
        assert capsys.readouterr().err.startswith(
            "all was done, but what was to be printed is lost"
        )
    assert HashCodes.load(tmp_path / "c") == HashCodes.load(home / "text.npz")


def test_bytes_of_other_encodings_in_arguments(home, tmp_path, capsys):
    given = ("--model", home / "scm", "--codes", home / "image.npz", "-k", 3)
    _, out, _ = run(capsys, "search", *given, "--text", "σκύλος")
    ascii_locale = "σκύλος".encode().decode("ascii", "surrogateescape")
    assert run(capsys, "search", *given, "--text", ascii_locale)[1] == out
    drawing = ("--folder", home / "items", "--gallery", tmp_path / "found.png")
    said = refused(capsys, "search", *given, *drawing, "--text", "σκύλος caf\udce9")
    assert said == "--text holds the byte 0xE9, which is not UTF-8: write it in UTF-8."
    other = tmp_path / "it\udce9ms"
    try:
        write_folder(other, n=6)
    except OSError:
        pytest.skip("names of files are UTF-8 on this system")
    encode = encoding(other, home / "scm", "image", tmp_path / "c")
    assert run(capsys, *encode)[0] == 0


# The command line itself


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and all(name in said for name in commands.COMMANDS)
    for name in commands.COMMANDS:
        with pytest.raises(SystemExit) as ended:
            commands.main([name, "--help"])
        assert ended.value.code == 0
        assert f"usage: python -m mmhash_nb {name} " in capsys.readouterr().out


@pytest.mark.parametrize("given", [[], ["x"], ["fit"], ["search", "--k", "1"]])
def test_a_wrong_command_line_ends_with_status_2(capsys, given):
    with pytest.raises(SystemExit) as ended:
        commands.main(given)
    assert ended.value.code == 2 and "error: " in capsys.readouterr().err


def test_reproduce_gets_its_command_line_and_gives_its_status(monkeypatch):
    seen = []
    monkeypatch.setattr(reproduce, "main", lambda given: seen.append(given) or 7)
    assert commands.main(["reproduce", "--dry-run"]) == 7
    assert commands.main(["report", "--out", "x"]) == 7
    assert seen == [["reproduce", "--dry-run"], ["report", "--out", "x"]]


def test_ctrl_c_has_its_status(monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "read", stopped)
    assert commands.main(["fit", "x", "--out", "y"]) == 130
    assert capsys.readouterr().err.startswith("interrupted")


def test_a_process_that_runs_a_notebook_imports_none_of_it():
    code = (
        "import sys, mmhash_nb.__main__; "
        "print(sorted(m for m in sys.modules if m.startswith('mmhash_nb.')));"
        "import mmhash_nb.cli; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["['mmhash_nb.__main__']", "False"], done.stderr
