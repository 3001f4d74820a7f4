"""What `scenes` is about: 24 concepts, how each looks, where it is found, and the words for it.

Each concept is a shape, a texture and a colour together; no one attribute tells it. Look-alikes
(apple and tomato, tent and pyramid) are told apart by tags and hardly by pixels; namesakes
(ladybird and beetle are both "insect") are told apart by pixels and not by tags. All are listed in
`scenes.toml`, by setting: a backdrop with the words for it, and the things mostly found there.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from mmhash_nb.datasets.about import about


@dataclass(frozen=True)
class Concept:
    """What a thing looks like and what people call it.

    Args:
        shift: added to the colour's RGB; it alone tells look-alikes apart, within the jitter.
        tags: its words, the commonest first.
    """

    name: str
    shape: str
    texture: str
    colour: str
    shift: tuple[int, int, int]
    tags: str


_ABOUT = about("scenes")
_SETTINGS = _ABOUT["settings"].values()
CONCEPTS = tuple(Concept(*thing) for setting in _SETTINGS for thing in setting["things"])
LABEL_NAMES = tuple(c.name for c in CONCEPTS)
# Words about the photo and not about the things in it, in the order of their frequency.
OTHER_WORDS = tuple(_ABOUT["about_the_photo"].split())
SETTING_WORDS = [setting["words"].split() for setting in _SETTINGS]
CONCEPT_WORDS = [c.tags.split() for c in CONCEPTS]
VOCABULARY = tuple(dict.fromkeys([*chain(*CONCEPT_WORDS, *SETTING_WORDS), *OTHER_WORDS]))
# Which setting each concept belongs to.
SETTING = np.repeat(np.arange(len(_SETTINGS)), [len(setting["things"]) for setting in _SETTINGS])
