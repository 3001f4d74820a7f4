"""Digests of samples, and looking them up."""

import dataclasses

import numpy as np

from mmhash_nb.hashers.learned_codes import find, row_keys, sample_keys


def samples(seed=0, n=40):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 5)).astype(np.float32), rng.normal(size=(n, 3)).astype(np.float32)


def test_a_key_is_a_digest_of_its_own_row_alone():
    image, text = samples()
    keys = row_keys(image, text)
    assert keys.shape == (40, 16) and keys.dtype == np.uint8
    assert len(np.unique(keys, axis=0)) == 40
    order = np.random.default_rng(1).permutation(40)[:25]
    np.testing.assert_array_equal(row_keys(image[order], text[order]), keys[order])
    # A column-major copy and one with gaps hold the same values.
    np.testing.assert_array_equal(row_keys(np.asfortranarray(image), text), keys)
    np.testing.assert_array_equal(row_keys(np.repeat(image, 2, axis=1)[:, ::2], text), keys)


def test_every_array_counts_and_so_do_order_dtype_and_shape():
    image, text = samples()
    keys = row_keys(image, text)
    changed = text.copy()
    changed[7, 2] = np.nextafter(changed[7, 2], np.float32(9))
    differs = (row_keys(image, changed) != keys).any(axis=1)
    assert np.flatnonzero(differs).tolist() == [7]
    for others in (
        (text, image),
        (image,),
        (image.view(np.int32), text),
        (np.hstack([image, text[:, :1]]), text[:, 1:]),
        (image[:, :, None], text),
    ):
        assert (row_keys(*others) != keys).any(axis=1).all()


def test_whole_images_have_keys_too():
    images = np.random.default_rng(2).integers(0, 256, size=(6, 4, 4, 3), dtype=np.uint8)
    images[5] = images[1]
    assert find(row_keys(images), row_keys(images)).tolist() == [0, 1, 2, 3, 4, 1]


def test_find_gives_the_position_and_minus_one_where_absent():
    image, text = samples()
    keys = row_keys(image, text)
    trained = keys[[30, 4, 11]]
    expected = [[30, 4, 11].index(i) if i in (30, 4, 11) else -1 for i in range(40)]
    positions = find(keys, trained)
    assert positions.dtype == np.int64
    assert positions.tolist() == expected


def test_find_gives_the_first_of_several():
    image, text = samples()
    twice = [3, 8, 3, 8, 8, 1]
    among = row_keys(image[twice], text[twice])
    assert find(row_keys(image[[8, 1, 3, 8]], text[[8, 1, 3, 8]]), among).tolist() == [1, 5, 0, 1]


def test_nothing_is_found_in_nothing():
    keys = row_keys(*samples())
    empty = row_keys(*samples(n=0))
    assert empty.shape == (0, 16)
    assert find(keys, empty).tolist() == [-1] * 40
    assert find(empty, keys).shape == (0,) and find(empty, keys).dtype == np.int64


def test_a_sample_is_known_by_image_and_text(two_views):
    keys = sample_keys(two_views)
    for field in ("images", "texts"):
        values = getattr(two_views, field).copy()
        values[3] += 1
        changed = dataclasses.replace(two_views, **{field: values})
        assert np.flatnonzero((sample_keys(changed) != keys).any(axis=1)).tolist() == [3]
