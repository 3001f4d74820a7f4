"""Which backbone describes photos: `--backbone` and `--weights` of the commands."""

from pathlib import Path

#: of those whose weights torchvision has, the quick ones, the better first
_FOR_PHOTOS = ("mobilenet_v2", "resnet18")
#: measured on the 1,000 photos of Flickr8k, at 32 bits
_WORTH = "brings SCM from 0.58 to 0.82 of mAP on Flickr8k, text → image"


def chosen_backbone(name: str | None, weights: Path | None) -> tuple[str, str]:
    """The backbone's name and the absolute path of its weights; empty for those of the name alone.

    `auto` is the best one for photos whose weights are here, or else can be fetched; a line says
    which it is, and what the other would bring. Nothing given gives nothing.

    Raises:
        ValueError: weights without a backbone.
        FileNotFoundError: there is no such file.
    """
    if weights is not None and not weights.is_file():
        raise FileNotFoundError(f"there are no weights in {weights}.")
    if name is None and weights is not None:
        raise ValueError("--weights are of a backbone: name it, such as --backbone mobilenet_v2.")
    file = "" if weights is None else str(weights.absolute())
    if name == "auto":
        name, reason = (_FOR_PHOTOS[0], f"its weights are {file}") if file else _best()
        print(f"backbone {name}: {reason}", flush=True)
    return name or "", file


def _best() -> tuple[str, str]:
    """The best backbone for photos, and why it is that."""
    from mmhash_nb.features.pretrained import downloaded, fetched

    for name in _FOR_PHOTOS:
        if downloaded(name).is_file():
            return name, f"its weights are {downloaded(name)}"
    try:
        return _FOR_PHOTOS[0], f"its weights were fetched to {fetched(_FOR_PHOTOS[0])}"
    except (OSError, ValueError) as error:
        return "small", f"it comes with the package; {_FOR_PHOTOS[0]} {_WORTH}, but {error}"
