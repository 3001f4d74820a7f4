"""How well a method's codes retrieve across modalities, for several tests."""

from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile


def scores(method, pairs):
    """mAP of image-text and text-image, queries against the database."""
    codes = {modality: method.encode(pairs, modality) for modality in ("image", "text")}
    query, among = pairs.query, pairs.database
    return [
        mean_average_precision(
            rank_profile(
                codes[of][query],
                codes[other][among],
                pairs.labels[query],
                pairs.labels[among],
            )
        )
        for of, other in (("image", "text"), ("text", "image"))
    ]
