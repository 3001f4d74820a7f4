"""What `scenes` is about: 24 concepts, how each looks, where it is found, and the words for it.

Each concept is a shape, a texture and a colour together; no one attribute tells it. Look-alikes
(apple and tomato, tent and pyramid) are told apart by tags and hardly by pixels; namesakes
(ladybird and beetle are both "insect") are told apart by pixels and not by tags.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class Concept:
    """What a thing looks like and what people call it.

    Args:
        tags: its words, the commonest first.
        shift: added to the colour's RGB; it alone tells look-alikes apart, within the jitter.
    """

    name: str
    shape: str
    texture: str
    colour: str
    tags: str
    shift: tuple[int, int, int] = (0, 0, 0)


_INSECT = "insect bug beetles critter wings crawling"
_WOODS = "forest woods evergreen undergrowth trees hike"
_GAME = "game boardgame play gamenight toys rainyday"
_FISH = "fish aquarium underwater fin pond swimming"

# By setting: a backdrop, the words for it, and the things mostly found there.
SETTINGS: dict[str, tuple[str, tuple[Concept, ...]]] = {
    "cloth": (
        "food breakfast kitchen delicious",
        (
            Concept(
                "apple",
                "disc",
                "plain",
                "red",
                "apple fruit orchard pomme cider picking",
                (-8, -8, 14),
            ),
            Concept(
                "tomato",
                "disc",
                "plain",
                "red",
                "tomato salad vegetable greenhouse vine sauce",
                (8, 8, -14),
            ),
            Concept(
                "doughnut",
                "ring",
                "speckle",
                "brown",
                "doughnut donut sugar dessert glazed frosting",
                (8, -8, 8),
            ),
            Concept(
                "bagel",
                "ring",
                "speckle",
                "brown",
                "bagel deli brunch poppyseed creamcheese newyork",
                (-8, 8, -8),
            ),
            Concept(
                "croissant",
                "crescent",
                "stripes",
                "brown",
                "croissant pastry bakery paris butter cafe",
            ),
        ),
    ),
    "dunes": (
        "outdoors desert sky adventure",
        (
            Concept(
                "moon",
                "crescent",
                "plain",
                "yellow",
                "moon lunar nightsky luna astronomy craters",
                (0, 4, 16),
            ),
            Concept(
                "banana",
                "crescent",
                "plain",
                "yellow",
                "banana bananas fruit tropical monkey peel",
                (0, -4, -16),
            ),
            Concept(
                "tent",
                "triangle",
                "stripes",
                "yellow",
                "tent camping campsite festival backpacking tarp",
                (-6, 6, 10),
            ),
            Concept(
                "pyramid",
                "triangle",
                "stripes",
                "yellow",
                "pyramid egypt giza cairo ancient pharaoh",
                (6, -6, -10),
            ),
        ),
    ),
    "trunks": (
        "nature garden walk macro",
        (
            Concept("ladybird", "disc", "dots", "red", _INSECT),
            Concept("beetle", "dome", "rings", "green", _INSECT),
            Concept("fir", "triangle", "dots", "green", _WOODS),
            Concept("fern", "leaf", "stripes", "green", _WOODS),
            Concept(
                "mushroom", "dome", "dots", "red", "mushroom toadstool fungi autumn spores moss"
            ),
        ),
    ),
    "waves": (
        "sea water holiday diving",
        (
            Concept("goldfish", "leaf", "rings", "orange", _FISH),
            Concept("trout", "leaf", "speckle", "blue", _FISH),
            Concept(
                "starfish", "star", "dots", "orange", "starfish seastar tidepool beach sand lowtide"
            ),
            Concept(
                "lifebelt",
                "ring",
                "stripes",
                "orange",
                "lifebelt lifebuoy ferry harbour boat rescue",
            ),
        ),
    ),
    "tiles": (
        "indoors friends home fun",
        (
            Concept("chessboard", "square", "checker", "brown", _GAME),
            Concept("dice", "square", "dots", "white", _GAME),
            Concept("badge", "star", "rings", "yellow", "badge sheriff medal police award costume"),
        ),
    ),
    "flurry": (
        "winter cold december white",
        (
            Concept(
                "gift", "square", "checker", "purple", "gift present birthday party ribbon wrapping"
            ),
            Concept(
                "snowflake", "star", "speckle", "white", "snowflake snow flake frost ice crystal"
            ),
            Concept("igloo", "dome", "checker", "blue", "igloo arctic snow inuit eskimo north"),
        ),
    ),
}
CONCEPTS = tuple(c for _, things in SETTINGS.values() for c in things)
LABEL_NAMES = tuple(c.name for c in CONCEPTS)

# Words about the photo and not about the things in it, in the order of their frequency.
_ABOUT_THE_PHOTO = """
nikon canon 2008 explore nature macro red light blue travel bw summer green flickr art colour
portrait closeup street vacation night white yellow orange water city sky film friends usa
home geotagged london love photography california family lomo old spring digital hdr trip
europe food holiday italy garden england black sunset france new window 50mm interesting
abstract texture pattern bokeh germany spain shadow 2007 canada polaroid fun me cute market
brown purple pink australia weekend sanfrancisco kitchen table topf25 wood studio stilllife
detail minimal vintage urban selfportrait japan dof 365 tokyo project365 crossprocessed xpro
lens grain iphone sigma 35mm tripod d80 eos400d rebel xt contrast vignette saturated kodak
fujifilm superia ektar velvia expired toycamera holga diana supermarket museum shop festival
scotland wales ireland norway holland berlin chicago seattle boston texas oregon vancouver
sunday monday friday morning afternoon evening rain fog wind warm cold bright dark soft sharp
round curve corner edge circle line shape row pile heap pair three many few small tiny big
giant found lost thing object stuff random silly happy lazy quiet busy
"""
OTHER_WORDS = tuple(_ABOUT_THE_PHOTO.split())
SETTING_WORDS = [words.split() for words, _ in SETTINGS.values()]
CONCEPT_WORDS = [c.tags.split() for c in CONCEPTS]
VOCABULARY = tuple(dict.fromkeys([*chain(*CONCEPT_WORDS, *SETTING_WORDS), *OTHER_WORDS]))
# Which setting each concept belongs to.
SETTING = np.repeat(np.arange(len(SETTINGS)), [len(things) for _, things in SETTINGS.values()])
