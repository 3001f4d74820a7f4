"""The official archives of MIRFlickr-25K, and every layout in which its selection circulates."""

import dataclasses
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from mat_cases import CLASSES, divided, write_class, write_python, write_v7, write_v73
from on_disk import needs
from PIL import Image
from table_cases import table_rows

from mmhash_nb import papers
from mmhash_nb.datasets import available, load, mirflickr25k, mirflickr25k_official, splits, store
from mmhash_nb.results import frame, run_protocol

SMALL = {"n_query": 3, "n_train": 5}
WORDS = ["sky", "explore", "2007", "españa", "blackandwhite", "nikon"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "BLOCK", 4)


def arrays(n=14):
    """Tags [n, 6], labels [n, 24], images [n, 3, 8, 8], features [n, 5]."""
    rng = np.random.default_rng(2)
    tags = (rng.random((n, 6)) < 0.4).astype(np.uint8)
    labels = (rng.random((n, 24)) < 0.15).astype(np.uint8)
    tags[:, 0] |= ~tags.any(axis=1)
    labels[:, 0] |= ~labels.any(axis=1)
    images = np.repeat(np.arange(n, dtype=np.uint8) * 9, 3 * 64).reshape(n, 3, 8, 8)
    return tags, labels, images, rng.random((n, 5)).astype(np.float32)


def write_photos(folder, n):
    """im1.jpg and so on, each of one colour that tells which it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        Image.new("RGB", (30, 20), (9 * i,) * 3).save(folder / f"im{i + 1}.jpg", quality=95)


def write_official(root, n=14):
    """Both archives as they unpack, with a photo that has no word, and one that has no concept."""
    folder = root / "mirflickr25k"
    photos, annotated = folder / "mirflickr", folder / "mirflickr25k_annotations_v080"
    tags, labels, _, _ = arrays(n)
    write_photos(photos, n)
    for name in ("doc", "meta/tags"):
        (photos / name).mkdir(parents=True)
    annotated.mkdir()
    tags[2], labels[5] = 0, 0
    counts = [845, 583, 300, 41, 20, 20]
    lines = [f"{word} {count}" for word, count in zip(WORDS, counts, strict=True)]
    (photos / "doc/common_tags.txt").write_text("\n".join([*lines, "rare 19", ""]), "utf-8")
    for i in range(n):
        has = [word for word, there in zip(WORDS, tags[i], strict=True) if there]
        text = "\r\n".join(["rare", *has[::-1], "skyline", ""])
        (photos / "meta/tags" / f"tags{i + 1}.txt").write_text(text, "utf-8")
    for c, concept in enumerate(mirflickr25k_official.CONCEPTS):
        listed = np.flatnonzero(labels[:, c]) + 1
        (annotated / f"{concept}.txt").write_text("".join(f"{i}\n" for i in listed))
    (annotated / "baby_r1.txt").write_text("1\n")
    (annotated / "README.txt").write_text("what the files are")
    selected = np.setdiff1d(np.arange(n), [2, 5])
    return folder, selected, tags[selected], labels[selected]


def test_the_official_archives_give_words_concepts_and_photos(tmp_path):
    folder, selected, tags, labels = write_official(tmp_path)
    pairs = mirflickr25k.read(folder, images="pixels", size=8, **SMALL)
    assert list(pairs.vocabulary) == WORDS and pairs.label_names[14] == "plant_life"
    np.testing.assert_array_equal(pairs.texts.toarray(), tags)
    np.testing.assert_array_equal(pairs.labels, labels == 1)
    assert isinstance(pairs.images, np.memmap) and pairs.images.shape == (12, 3, 8, 8)
    np.testing.assert_allclose(pairs.images.mean(axis=(1, 2, 3)), 9 * selected, atol=1.5)
    assert pairs.modality_names == ("image", "Tags") and "12 of 14 photos" in pairs.source
    first = [word for word, has in zip(WORDS, tags[0], strict=True) if has]
    assert pairs.captions[0] == " ".join(first)
    assert mirflickr25k.read(folder, **SMALL).images.shape == (12, 0)


def test_annotations_in_any_folder_are_found(tmp_path):
    folder, *_ = write_official(tmp_path)
    expected = mirflickr25k.read(folder, **SMALL).fingerprint
    (folder / "mirflickr25k_annotations_v080").rename(folder / "annotations")
    shutil.move(folder / "mirflickr", folder / "25k")
    assert mirflickr25k.read(folder, **SMALL).fingerprint == expected


def test_a_photo_or_tag_file_that_is_missing_among_others_is_named(tmp_path):
    folder, *_ = write_official(tmp_path)
    (folder / "mirflickr/im7.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no photo im7\.jpg \(1 of 12 are missing\)"):
        mirflickr25k.read(folder, images="pixels", size=8, **SMALL)
    (folder / "mirflickr/meta/tags/tags4.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"tags4\.txt: unpack mirflickr25k\.zip again"):
        mirflickr25k.read(folder, **SMALL)


@pytest.mark.parametrize(("name", "line", "fault"), table_rows("wrong_mirflickr25k_lines"))
def test_a_line_that_cannot_be_read_names_file_and_line(tmp_path, name, line, fault):
    folder, *_ = write_official(tmp_path)
    next(folder.glob(name)).write_text(line + "\n")
    with pytest.raises(ValueError, match=fault):
        mirflickr25k.read(folder, **SMALL)


def test_other_counts_than_published_are_refused_and_files_takes_them(tmp_path):
    write_official(tmp_path)
    with pytest.raises(ValueError, match=r"20015 pairs, 1386 tags and 24 .* hold 12, 6 and 24"):
        load("mirflickr25k", tmp_path, **SMALL)
    pairs = load("mirflickr25k", tmp_path, protocol="files", **SMALL)
    assert len(pairs) == 12 and pairs.source.endswith("files, split_seed 0")
    with pytest.raises(ValueError, match="one of zeng2022, zhang2018, files, not 'masci2014'"):
        load("mirflickr25k", tmp_path, protocol="masci2014")


def test_both_papers_draw_the_same_and_the_source_says_which(tmp_path):
    folder, *_ = write_official(tmp_path)
    zeng = mirflickr25k.read(folder, split_seed=3, **SMALL)
    zhang = mirflickr25k.read(folder, protocol="zhang2018", split_seed=3, **SMALL)
    assert zeng.fingerprint == zhang.fingerprint and zeng.source.endswith("zeng2022, split_seed 3")
    assert zhang.source.endswith("zhang2018, split_seed 3")
    assert mirflickr25k.read(folder, split_seed=4, **SMALL).fingerprint != zeng.fingerprint


def in_order(images):
    """As DCMH's files hold them for MATLAB: rows x columns x 3 x images."""
    return images.transpose(2, 3, 1, 0)


def write_layout(folder, layout, write, n=14):
    """The same set in one of the layouts; gives what the images option can be."""
    folder.mkdir(parents=True, exist_ok=True)
    tags, labels, images, features = arrays(n)
    names = [f"im{i + 1}.jpg" for i in range(n)]
    if layout == "dcmh":
        write(folder / "mirflickr25k-yall.mat", YAll=tags)
        write(folder / "mirflickr25k-lall.mat", LAll=labels)
        write(folder / "mirflickr25k-iall.mat", IAll=in_order(images))
        write(folder / "mirflickr25k-xall-vgg.mat", XAll=features)
        return ("none", "pixels", "vgg")
    if layout == "names":
        (folder / "YAll").mkdir()
        write(folder / "YAll/mirflickr25k-yall.mat", YAll=tags)
        write(folder / "mirflickr25k-lall.mat", LAll=labels)
        write(folder / "mirflickr25k-fall.mat", FAll=names)
        write_photos(folder / "photos/mirflickr", n)
        return ("none", "pixels")
    if layout == "one_file":
        write(folder / "FLICKR-25K.mat", images=in_order(images), YAll=tags, LAll=labels)
        return ("none", "pixels")
    if layout in ("lists", "other lists"):
        other = layout == "other lists"
        write(folder / "imgList.mat", **{"imgs" if other else "FAll": names})
        write(folder / "tagList.mat", **{"tags" if other else "YAll": tags})
        write(folder / "labelList.mat", **{"labels" if other else "LAll": labels})
        write_photos(folder / "mirflickr", n)
        return ("none", "pixels")
    if layout == "captions":
        words = [" ".join(w for w, has in zip(WORDS, row, strict=True) if has) for row in tags]
        write(folder / "index.mat", index=[f"/data/mirflickr/{name}" for name in names])
        write(folder / "caption.mat", caption=words)
        write(folder / "label.mat", category=labels)
        write_photos(folder / "mirflickr", n)
        return ("none", "pixels")
    parts = {"db": slice(0, 11), "te": slice(11, 14), "tr": [1, 4, 6, 10, 3]}
    image = images.transpose(0, 2, 3, 1) if layout == "raw" else features
    held = divided(parts, T=tags, L=labels, I=image)
    write(folder / ("raw_mir.mat" if layout == "raw" else "mir_cnn.mat"), **held)
    return ("none", "pixels") if layout == "raw" else ("none", "vgg")


LAYOUTS = ["dcmh", "names", "one_file", "lists", "other lists", "captions", "raw", "cnn"]


@pytest.mark.parametrize("write", [write_v7, write_v73])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(tmp_path, layout, write):
    tags, labels, images, features = arrays()
    for option in write_layout(tmp_path, layout, write):
        pairs = mirflickr25k.read(tmp_path, images=option, size=8, **SMALL)
        np.testing.assert_array_equal(pairs.labels, labels == 1)
        # DCMH's files have a known order; in others nobody knows which column is which.
        known = layout in ("dcmh", "names", "one_file")
        named = (pairs.label_names[0], pairs.label_names[-1])
        assert named == (("animals", "water") if known else ("label 0", "label 23"))
        if layout == "captions":
            assert set(pairs.captions[0].split()) == {WORDS[i] for i in np.flatnonzero(tags[0])}
            column = list(pairs.vocabulary).index("explore")
            np.testing.assert_array_equal(pairs.texts[:, column], tags[:, 1])
        else:
            np.testing.assert_array_equal(pairs.texts.toarray(), tags)
            assert list(pairs.vocabulary) == [f"tag {i}" for i in range(6)]
        if option == "pixels":
            np.testing.assert_allclose(pairs.images, images, atol=2)
        elif option == "vgg":
            np.testing.assert_array_equal(pairs.images, features)


@pytest.mark.parametrize("layout", ["raw", "cnn"])
def test_divided_files_bring_their_own_split(tmp_path, layout):
    write_layout(tmp_path, layout, write_v73)
    pairs = mirflickr25k.read(tmp_path, protocol="files")
    assert pairs.query.tolist() == [11, 12, 13] and pairs.database.tolist() == list(range(11))
    assert pairs.train.tolist() == [1, 3, 4, 6, 10] and "split of the files" in pairs.source
    drawn = mirflickr25k.read(tmp_path, protocol="files", **SMALL)
    assert len(drawn.query) == 3 and "split of the files" not in drawn.source


def test_queries_that_lie_in_the_database_too_are_taken_out_of_it(tmp_path):
    tags, labels = np.ones((9, 2)), np.ones((9, 1))
    features = np.arange(9.0)[:, None]
    parts = {"db": [0, 1, 2, 3, 4, 5], "te": [4, 1, 8], "tr": [5, 1, 0]}
    held = divided(parts, T=tags, L=labels, I=features)
    write_v7(tmp_path / "mir_cnn.mat", **held)
    pairs = mirflickr25k.read(tmp_path, images="vgg", protocol="files")
    assert pairs.images[pairs.query].ravel().tolist() == [4, 1, 8]
    assert pairs.images[pairs.database].ravel().tolist() == [0, 2, 3, 5]
    assert pairs.images[pairs.train].ravel().tolist() == [0, 5]
    assert "; 2 rows stand there twice, once left out" in pairs.source
    drawing = {"images": "vgg", "protocol": "files", "n_query": 3, "n_train": 2}
    for seed in range(8):
        drawn = mirflickr25k.read(tmp_path, split_seed=seed, **drawing)
        queries, searched, learned = (
            {*drawn.images[getattr(drawn, s)].ravel().tolist()}
            for s in ("query", "database", "train")
        )
        assert not queries & searched and learned < searched
        assert queries | searched == {0, 1, 2, 3, 4, 5, 8}
    held |= {"T_tr": tags[:3], "L_tr": labels[:3], "I_tr": np.array([[77.0], [8.0], [4.0]])}
    write_v7(tmp_path / "mir_cnn.mat", **held)
    apart = mirflickr25k.read(tmp_path, images="vgg", protocol="files")
    assert apart.images[apart.train].ravel().tolist() == [77]
    held["I_tr"] = np.array([[77.0], [5.0], [0.0]])  # two of them stand in the database
    write_v7(tmp_path / "mir_cnn.mat", **held)
    for seed in range(8):
        drawn = mirflickr25k.read(tmp_path, split_seed=seed, **drawing)
        queries, searched = (drawn.images[getattr(drawn, s)].ravel() for s in ("query", "database"))
        assert sorted([*queries, *searched]) == [0, 1, 2, 3, 4, 5, 8, 77]
    for letter in "TLI":
        held[f"{letter}_db"] = held[f"{letter}_te"]
    write_v7(tmp_path / "mir_cnn.mat", **held)
    with pytest.raises(ValueError, match=r"database in .*mir_cnn\.mat has nothing but its queries"):
        mirflickr25k.read(tmp_path, images="vgg", protocol="files")


def test_archives_unpacked_beside_each_other_are_found(tmp_path):
    folder, *_ = write_official(tmp_path)
    expected = mirflickr25k.read(folder, images="pixels", size=8, **SMALL).fingerprint
    for path in folder.iterdir():
        path.rename(tmp_path / path.name)
    folder.rmdir()
    assert mirflickr25k.find(tmp_path) == tmp_path
    pairs = load("mirflickr25k", tmp_path, images="pixels", size=8, protocol="files", **SMALL)
    assert pairs.fingerprint == expected
    (tmp_path / "mirflickr25k_annotations_v080/sea.txt").unlink()
    with pytest.raises(FileNotFoundError, match=rf"has no sea\.txt in {tmp_path}:"):
        load("mirflickr25k", tmp_path, protocol="files")


def test_other_sets_beside_the_archives_are_not_taken_for_this_one(tmp_path):
    folder, *_ = write_official(tmp_path)
    (folder / "mirflickr").rename(tmp_path / "mirflickr")
    shutil.rmtree(folder)
    write_layout(tmp_path / "nuswide", "lists", write_v7)
    (tmp_path / "my_annotations").mkdir()
    (tmp_path / "my_annotations/x.txt").write_text("1")
    assert mirflickr25k.find(tmp_path) is None


def test_files_of_tags_that_lack_the_last_are_said_to(tmp_path):
    folder, *_ = write_official(tmp_path)
    (folder / "mirflickr/meta/tags/tags14.txt").unlink()
    (folder / "mirflickr25k_annotations_v080/sea.txt").write_text("14\n")
    with pytest.raises(FileNotFoundError, match=r"has photo 14, but meta/tags holds files of 13"):
        mirflickr25k.read(folder, **SMALL)


@pytest.mark.parametrize(("gone", "images", "message"), table_rows("lacking_mirflickr25k_files"))
def test_the_file_that_the_official_set_lacks_is_named(tmp_path, gone, images, message):
    folder, *_ = write_official(tmp_path)
    assert mirflickr25k.find(tmp_path) == folder
    (folder / "mirflickr" / gone).unlink()
    assert (mirflickr25k.find(tmp_path) is None) == (images == "none")
    assert available(tmp_path).set_index("name").present["mirflickr25k"] == (images != "none")
    with pytest.raises(FileNotFoundError, match=message):
        load("mirflickr25k", tmp_path, images=images, protocol="files")


def test_training_samples_that_differ_in_their_image_alone_are_not_mixed_up(tmp_path):
    tags, labels = np.ones((6, 2)), np.ones((6, 1))
    features = np.arange(6.0)[:, None]
    parts = {"db": slice(0, 5), "te": slice(5, 6), "tr": [3, 2]}
    held = divided(parts, T=tags, L=labels, I=features)
    write_v7(tmp_path / "mir_cnn.mat", **held)
    for images in ("none", "vgg"):
        assert mirflickr25k.read(tmp_path, images=images, protocol="files").train.tolist() == [2, 3]
    held["I_tr"] = np.array([[3.0], [77.0]])
    write_v7(tmp_path / "mir_cnn.mat", **held)
    apart = mirflickr25k.read(tmp_path, images="vgg", protocol="files")
    assert len(apart) == 8 and apart.train.tolist() == [6, 7]
    assert apart.images[6:].ravel().tolist() == [3, 77] and apart.database.tolist() == [*range(5)]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("kind", CLASSES)
def test_matrices_of_every_class_that_matlab_saves_give_the_same_pairs(
    tmp_path, monkeypatch, kind, version, turned
):
    tags, labels, _, features = arrays()
    known = splits.Protocol(14, 6, 24, n_query=3, n_train=5)
    monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zeng2022", known)
    write_layout(tmp_path, "dcmh", write_v7)
    expected = mirflickr25k.read(tmp_path, images="vgg").fingerprint
    for name, variable, matrix in (
        ("yall", "YAll", tags), ("lall", "LAll", labels), ("xall-vgg", "XAll", features)
    ):  # fmt: skip
        if name == "xall-vgg" and kind in ("int32", "logical"):
            continue  # such numbers are no features
        write_class(
            tmp_path / f"mirflickr25k-{name}.mat", variable, matrix.T if turned else matrix,
            kind, version,
        )  # fmt: skip
    assert mirflickr25k.read(tmp_path, images="vgg").fingerprint == expected


def test_files_with_swapped_axes_are_turned_where_a_side_is_known(tmp_path, monkeypatch):
    tags, labels, images, _ = arrays()
    write_v7(tmp_path / "FLICKR-25K.mat", images=in_order(images), YAll=tags.T, LAll=labels.T)
    by_rows = mirflickr25k.read(tmp_path, images="pixels", size=8, **SMALL)
    np.testing.assert_array_equal(by_rows.features("text"), tags)
    known = splits.Protocol(14, 6, 24, n_query=3, n_train=5)
    monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zeng2022", known)
    for python in (False, True):  # what Python wrote is taken as it lies
        if python:
            write_python(tmp_path / "FLICKR-25K.mat", images=images, YAll=tags, LAll=labels)
        pairs = mirflickr25k.read(tmp_path, images="pixels", size=8)
        np.testing.assert_array_equal(pairs.texts.toarray(), tags)
        np.testing.assert_array_equal(pairs.labels, labels == 1)
        np.testing.assert_array_equal(pairs.images, images)


@pytest.mark.parametrize("layout", ["dcmh", "one_file", "raw"])
def test_a_truncated_file_of_any_layout_is_named(tmp_path, layout):
    write_layout(tmp_path, layout, write_v73)
    path = {"dcmh": "mirflickr25k-yall", "one_file": "FLICKR-25K", "raw": "raw_mir"}[layout]
    path = tmp_path / f"{path}.mat"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=rf"{path.name} is truncated or is not a MATLAB file"):
        mirflickr25k.read(tmp_path, images="pixels", size=8, **SMALL)


def test_names_and_captions_of_another_number_are_refused(tmp_path):
    write_layout(tmp_path, "lists", write_v7)
    write_v7(tmp_path / "imgList.mat", FAll=["im1.jpg"] * 13)
    with pytest.raises(ValueError, match=r"imgList\.mat holds 13 names, but .* of 14 photos"):
        mirflickr25k.read(tmp_path, images="pixels", size=8, **SMALL)
    write_v7(tmp_path / "imgList.mat", FAll=[f"im{i}.jpg" for i in range(1, 14)] + ["im99.jpg"])
    with pytest.raises(FileNotFoundError, match=r"no photo im99\.jpg \(1 of 14 are missing\)"):
        mirflickr25k.read(tmp_path, images="pixels", size=8, **SMALL)


def test_the_official_photos_serve_where_dcmhs_files_have_none(tmp_path):
    folder, _, tags, labels = write_official(tmp_path)
    write_v7(folder / "mirflickr25k-yall.mat", YAll=tags)
    write_v7(folder / "mirflickr25k-lall.mat", LAll=labels)
    assert mirflickr25k.read(folder, **SMALL).source.startswith("matrices of DCMH's selection")
    pairs = mirflickr25k.read(folder, images="pixels", size=8, **SMALL)
    assert pairs.source.startswith("official archives")
    assert mirflickr25k.read(folder, **SMALL).query.tolist() == pairs.query.tolist()
    with pytest.raises(FileNotFoundError, match=r"no mirflickr25k-iall-vgg\.mat .* in"):
        mirflickr25k.read(folder, images="vgg", **SMALL)


def test_a_deep_method_learns_from_the_mapped_photos_as_from_any(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "cases"))
    import deep_cases

    folder, *_ = write_official(tmp_path)
    pairs = mirflickr25k.read(folder, images="pixels", size=32, **SMALL)
    copied = dataclasses.replace(pairs, images=np.array(pairs.images))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of arrays that cannot be written to
        states = [deep_cases.quick("dcmh", batch_size=4).fit(p).state for p in (pairs, copied)]
    assert deep_cases.same(*states)


def test_a_papers_methods_run_on_the_photos_by_its_protocol(tmp_path, monkeypatch):
    write_official(tmp_path, 28)
    small = splits.Protocol(26, 6, 24, n_query=6, n_train=12)
    monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zhang2018", small)
    protocol = papers.protocol(
        "zhang2018", "mirflickr25k", bits=[8], seeds=[0], epochs=1, backbone="small"
    )
    pairs = load(protocol.dataset, tmp_path, **protocol.views)
    assert pairs.images.shape == (26, 3, 224, 224) and len(pairs.train) == 12
    some = dataclasses.replace(protocol, grids=[(("scm", "dcmh", "aadah"), (8,))])
    done = frame(run_protocol("zhang2018", some, pairs, root=tmp_path / "runs"))
    assert set(done.method) == {"scm", "dcmh", "aadah", "random"}
    assert done.source.str.contains("zhang2018, split_seed 0; means are over").all()


@needs(mirflickr25k)
def test_the_labels_of_dcmhs_file_are_in_the_order_of_the_annotations():
    """What must hold of them by their meaning: nearly each sample of the first has the second."""
    pairs = load("mirflickr25k")
    column = dict(zip(pairs.label_names, pairs.labels.T, strict=True))
    for part, whole in (
        *(("baby", "people"), ("female", "people"), ("male", "people"), ("portrait", "people")),
        *(("bird", "animals"), ("dog", "animals"), ("lake", "water"), ("river", "water")),
        *(("sea", "water"), ("tree", "plant_life"), ("flower", "plant_life"), ("clouds", "sky")),
        *(("sunset", "sky"), ("car", "transport")),
    ):
        assert (column[part] & column[whole]).sum() > 0.9 * column[part].sum(), (part, whole)
