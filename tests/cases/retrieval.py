"""What several tests of methods ask: how well codes retrieve, and whether they come again."""

from mmhash_nb import hashers
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile


def scores(method, pairs, unified=False):
    """mAP of image-text and text-image, or of both modalities against the unified codes."""
    codes = {modality: method.encode(pairs, modality) for modality in ("image", "text")}
    database = {"image": codes["text"], "text": codes["image"]}
    if unified:
        database = dict.fromkeys(codes, method.database_codes(pairs))
    query, among = pairs.query, pairs.database
    return [
        mean_average_precision(
            rank_profile(
                codes[of][query], database[of][among], pairs.labels[query], pairs.labels[among]
            )
        )
        for of in ("image", "text")
    ]


def check_saved_codes(method, pairs, folder, n_bits):
    """Saved and loaded, which is returned, a method gives the same codes of all samples."""
    method.save(folder)
    again = hashers.load(folder)
    for modality in ("image", "text"):
        codes = method.encode(pairs, modality)
        assert codes.n_bits == n_bits and len(codes) == len(pairs)
        assert again.encode(pairs, modality) == codes
    return again


def check_codes_come_again(name, pairs, folder, **options):
    """The seed decides a method's codes, and saved it gives the same ones."""
    method, same, other = (
        hashers.create(name, 9, seed=seed, **options).fit(pairs) for seed in (3, 3, 4)
    )
    again = check_saved_codes(method, pairs, folder, 9)
    for modality in ("image", "text"):
        codes = method.encode(pairs, modality)
        assert same.encode(pairs, modality) == codes
        assert other.encode(pairs, modality) != codes
    unified = name in ("lssh", "cmfh", "sephkm", "discmh")
    assert hasattr(method, "database_codes") == unified
    if unified:
        assert again.database_codes(pairs) == method.database_codes(pairs)
