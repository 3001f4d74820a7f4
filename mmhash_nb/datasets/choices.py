"""Values of options: which are known, and how a kind of images is displayed."""

from collections.abc import Sequence

#: the name of the image modality for each value of the option `images`
DISPLAY = {
    "bof": "BoF",
    "gist": "GIST",
    "hog": "HOG",
    "hog_colour": "HOG_colour",
    "none": "no image",
    "pixels": "image",
    "vgg": "VGG",
}


def check_option(dataset: str, option: str, value: object, known: Sequence[str]) -> None:
    """Refuse a value of an option that is none of the known ones.

    Raises:
        ValueError: names the dataset, the option and the known values.
    """
    if value not in known:
        raise ValueError(f"{option} of {dataset} are one of {', '.join(known)}, not {value!r}.")
