"""How well codes retrieve, for several tests of methods."""

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


def training_views(method, pairs):
    """Images and texts of the training samples as a shallow method takes them."""
    return [method.view(pairs.take(pairs.train), modality) for modality in ("image", "text")]
