"""The pictures: found items in order, marked right; shown once, saved whole."""

import dataclasses
import io

import matplotlib
import numpy as np
import pytest
from figure_cases import (
    N,
    by_hand,
    check_layout,
    framed,
    some_codes,
    some_pairs,
    texts_of,
)
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.ft2font import FT2Font
from PIL import Image

from mmhash_nb import figures
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import scenes
from mmhash_nb.figures.items import item_tags
from mmhash_nb.figures.style import MARKS, RIGHT, WRONG
from mmhash_nb.hashers.names_in_print import in_print


@pytest.mark.parametrize("k", [9, 1000])
@pytest.mark.parametrize("task", ["image-image", "image-text", "text-image", "joint-joint"])
def test_nearest_equals_a_plain_loop(task: str, k: int) -> None:
    pairs, codes = some_pairs(), some_codes(1)
    found = figures.nearest(pairs, codes, task, pairs.query, k)
    for row, query in enumerate(pairs.query):
        distances, samples = by_hand(pairs, codes, task, query, k)
        assert found.distances[row].tolist() == distances
        assert found.ids[row].tolist() == samples
        shared = [bool((pairs.labels[query] & pairs.labels[s]).any()) for s in samples]
        assert found.right[row].tolist() == shared
        every, samples = by_hand(pairs, codes, task, query, 1000)
        shared = [bool((pairs.labels[query] & pairs.labels[s]).any()) for s in samples]
        assert found.tied[row].tolist() == [every.count(d) for d in distances]
        relevant = [
            sum(r for r, d in zip(shared, every, strict=True) if d == at) for at in distances
        ]
        assert found.relevant[row].tolist() == relevant


def test_ties_are_drawn_by_lot_and_not_by_place_and_the_same_each_time() -> None:
    pairs = some_pairs()
    same = {side: HashCodes.from_bits(np.ones((N, 8))) for side in ("image", "text")}
    found = figures.nearest(pairs, same, "image-text", pairs.query[:2], 5)
    assert found.ids[0].tolist() == found.ids[1].tolist() != pairs.database[:5].tolist()
    again = figures.nearest(pairs, same, "image-text", pairs.query[:2], 5)
    assert (again.ids == found.ids).all() and (found.tied == len(pairs.database)).all()


def test_gallery_shows_the_found_pictures_in_order_with_frames_and_marks() -> None:
    pairs = some_pairs()
    codes = {"mmnn_l2": some_codes(1), "cmssh": some_codes(2)}
    queries = pairs.query[:3]
    figure = figures.gallery(pairs, codes, "text-image", queries, k=5)
    assert len(figure.axes) == 2
    for axes, (method, of) in zip(figure.axes, codes.items(), strict=True):
        assert texts_of(axes)[0].startswith(in_print(method))
        shown = [np.asarray(image.get_array()) for image in axes.images]
        samples, relevant, notes = [], [], []
        for query in queries:
            distances, hits = by_hand(pairs, of, "text-image", query, 5)
            right = [bool((pairs.labels[query] & pairs.labels[s]).any()) for s in hits]
            samples += hits
            relevant += right
            notes += [f"{MARKS[r]} {d}" for r, d in zip(right, distances, strict=True)]
        assert len(shown) == 15
        for image, sample in zip(shown, samples, strict=True):
            assert np.array_equal(image, pairs.images[sample].transpose(1, 2, 0))
        lefts = [image.get_extent()[0] for image in axes.images]
        assert lefts[:5] == sorted(lefts[:5]), "nearest stands leftmost"
        assert framed(axes) == ["right" if r else "wrong" for r in relevant]
        assert set(relevant) == {True, False}
        colours = {p.get_gid(): to_hex(p.get_edgecolor()) for p in axes.patches if p.get_gid()}
        assert colours == {"right": RIGHT, "wrong": WRONG}
        assert [t for t in texts_of(axes) if t[0] in MARKS.values()] == notes
        found = figures.nearest(pairs, of, "text-image", queries, 5)
        counts = zip(found.relevant.ravel(), found.tied.ravel(), strict=True)
        among = [f"{n} of {m}" for n, m in counts if m > 1]
        assert [t for t in texts_of(axes) if " of " in t] == among and among
    check_layout(figure)


def test_gallery_of_texts_shows_captions_as_they_are() -> None:
    captions = [f"caption {i} costs $5 and $6" for i in range(N)]
    pairs = some_pairs(captions=captions)
    codes = some_codes(1)
    figure = figures.gallery(pairs, {"mmnn_l1": codes}, "image-text", pairs.query[:2], k=3)
    written = [t.replace("\n", " ") for t in texts_of(figure.axes[0])]
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[1], 3)
    assert [t for t in written if t.startswith("caption")][3:] == [captions[s] for s in hits]
    check_layout(figure)


def test_gallery_can_show_texts_found_as_their_pictures() -> None:
    pairs, codes = some_pairs(), some_codes(1)
    figure = figures.gallery(
        pairs, {"mmnn_l1": codes}, "image-text", pairs.query[:1], k=4, show="picture"
    )
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[0], 4)
    shown = figure.axes[0].images[1:]
    for image, sample in zip(shown, hits, strict=True):
        assert np.array_equal(image.get_array(), pairs.images[sample].transpose(1, 2, 0))


def test_gallery_of_features_shows_strips_with_label_names() -> None:
    pairs, codes = some_pairs("features"), some_codes(1)
    figure = figures.gallery(pairs, {"ksh": codes}, "image-image", pairs.query[:1], k=4)
    _, hits = by_hand(pairs, codes, "image-image", pairs.query[0], 4)
    shown = figure.axes[0].images[1:]
    for image, sample in zip(shown, hits, strict=True):
        assert np.allclose(image.get_array(), pairs.images[[sample]])
    names = ", ".join(np.array(pairs.label_names)[pairs.labels[hits[0]]])
    assert any(names.startswith(t.rstrip("…,. ")) for t in texts_of(figure.axes[0])[2:])
    check_layout(figure)


def test_thumbnails_stand_for_features() -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (N, 3, 5, 5), dtype=np.uint8)
    pairs = some_pairs("features", thumbnails=thumbnails, vocabulary=None)
    codes = some_codes(1)
    figure = figures.gallery(pairs, {"ksh": codes}, "image-text", pairs.query[:1], k=2)
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[0], 2)
    shown = [np.asarray(i.get_array()).transpose(2, 0, 1) for i in figure.axes[0].images]
    assert np.array_equal(shown, thumbnails[[pairs.query[0], *hits]])


def test_show_pairs_shows_each_pair_once() -> None:
    pairs = some_pairs()
    figure = figures.show_pairs(pairs, [3, 1, 8], columns=2)
    (axes,) = figure.axes
    shown = [np.asarray(image.get_array()).transpose(2, 0, 1) for image in axes.images]
    assert np.array_equal(shown, pairs.images[[3, 1, 8]])
    written = [t.replace("\n", " ") for t in texts_of(axes)]
    assert written[0] == ", ".join(item_tags(pairs, 3))
    assert written[1] == ", ".join(np.array(pairs.label_names)[pairs.labels[3]])
    check_layout(figure)


def test_show_pairs_of_two_descriptors_shows_two_strips() -> None:
    figure = figures.show_pairs(some_pairs("features", vocabulary=None), range(3))
    assert [image.get_array().shape for image in figure.axes[0].images] == [(1, 9), (1, 6)] * 3
    check_layout(figure)


def test_saving_writes_both_files_and_the_same_bytes_again(tmp_path) -> None:
    for folder in ("a", "b"):
        figure = figures.gallery(some_pairs(), {"ksh": some_codes(1)}, "image-image", [0, 1], k=3)
        figures.save(figure, tmp_path / folder / "figure.v1")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["figure.v1.pdf", "figure.v1.png"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    image = Image.open(tmp_path / "a" / "figure.v1.png")
    assert np.allclose(image.size, figure.get_size_inches() * 200, atol=1)
    assert (tmp_path / "a" / "figure.v1.pdf").read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in (tmp_path / "a" / "figure.v1.pdf").read_bytes()


def test_a_failed_save_keeps_the_earlier_file(tmp_path, monkeypatch) -> None:
    figures.save(figures.tie_bars({"a": (0.1, 0.2, 0.3)}), tmp_path / "ties")
    before = (tmp_path / "ties.pdf").read_bytes()
    figure = figures.tie_bars({"b": (0.1, 0.2, 0.3)})
    drawn = figure.savefig

    def disk_full(target, **options):
        if str(target).endswith(".pdf"):
            target.write_bytes(b"half a file")
            raise OSError("No space left on device")
        drawn(target, **options)

    monkeypatch.setattr(figure, "savefig", disk_full)
    with pytest.raises(OSError, match="No space"):
        figures.save(figure, tmp_path / "ties")
    assert (tmp_path / "ties.pdf").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ties.pdf", "ties.png"]


def test_png_has_the_figures_size_and_colours() -> None:
    figure = figures.show_pairs(some_pairs(), range(7), columns=3)
    image = Image.open(io.BytesIO(figures.png(figure))).convert("RGB")
    assert np.allclose(image.size, figure.get_size_inches() * 100, atol=1)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    left, _, _, top = figure.axes[0].images[0].get_extent()
    corner = image.getpixel((int(left * 100) + 4, int(top * 100) + 4))
    assert np.abs(np.array(corner) - some_pairs().images[0][:, 0, 0]).max() < 40


def test_a_figure_shows_in_jupyter_once(monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(
        "mmhash_nb.figures.style.display", lambda data, raw: shown.append((data, raw))
    )
    figure = figures.tie_bars({"a": (0.1, 0.2, 0.3)})
    data, _ = DisplayFormatter().format(figure)
    assert data == {}, "the figure has shown itself; the formatter adds nothing"
    assert len(shown) == 1 and set(shown[0][0]) == {"image/png", "text/plain"}
    assert shown[0][0]["image/png"] == figures.png(figure)


def test_drawing_leaves_pyplot_and_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    figures.gallery(some_pairs(), {"ksh": some_codes(1)}, "image-image", [0])
    figures.map_by_bits({"a": {8: [0.1, 0.2]}})
    figures.distance_histogram(some_pairs(), {"ksh": some_codes(1)}, "image-image")
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_the_font_has_the_marks() -> None:
    font = FT2Font(matplotlib.font_manager.findfont("DejaVu Sans", fallback_to_default=False))
    for letter in "✓✗×→…–·":
        assert font.get_char_index(ord(letter)), f"DejaVu Sans lacks {letter}"


def test_colours_of_right_and_wrong_stay_apart_for_colour_blind_readers() -> None:
    """Luminance differs or blue does, also after the red and green channels are merged."""

    def merged(colour: str) -> np.ndarray:
        r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return np.array([(r + g) / 2, b])

    assert np.abs(merged(RIGHT) - merged(WRONG)).max() > 0.5


def test_scenes_pictures_keep_their_labels_apart() -> None:
    pairs = scenes.load(n=60)
    codes = {"random": some_codes(3, n=len(pairs))}
    check_layout(figures.show_pairs(pairs, pairs.query[:10]))
    for task in ("image-text", "text-image"):
        check_layout(figures.gallery(pairs, codes, task, pairs.query[:3], k=5))
    check_layout(figures.annotation(pairs, codes, pairs.query[:3]))
    both = dataclasses.replace(pairs, modality_names=("image", "tags"))
    check_layout(figures.descriptor_codes(both, codes["random"], "text-image", pairs.query[0]))
