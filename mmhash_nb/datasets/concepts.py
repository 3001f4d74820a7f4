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
    shift: tuple[int, int, int]


# By setting: a backdrop with the words for it, and the things mostly found there, each with its
# shape, texture, colour, shift and tags.
_TABLE = """
cloth: food breakfast kitchen delicious
  apple      disc      plain    red     -8  -8  14  apple fruit orchard pomme cider picking
  tomato     disc      plain    red      8   8 -14  tomato salad vegetable greenhouse vine sauce
  doughnut   ring      speckle  brown    8  -8   8  doughnut donut sugar dessert glazed frosting
  bagel      ring      speckle  brown   -8   8  -8  bagel deli brunch poppyseed creamcheese newyork
  croissant  crescent  stripes  brown    0   0   0  croissant pastry bakery paris butter cafe
dunes: outdoors desert sky adventure
  moon       crescent  plain    yellow   0   4  16  moon lunar nightsky luna astronomy craters
  banana     crescent  plain    yellow   0  -4 -16  banana bananas fruit tropical monkey peel
  tent       triangle  stripes  yellow  -6   6  10  tent camping campsite festival backpacking tarp
  pyramid    triangle  stripes  yellow   6  -6 -10  pyramid egypt giza cairo ancient pharaoh
trunks: nature garden walk macro
  ladybird   disc      dots     red      0   0   0  insect bug beetles critter wings crawling
  beetle     dome      rings    green    0   0   0  insect bug beetles critter wings crawling
  fir        triangle  dots     green    0   0   0  forest woods evergreen undergrowth trees hike
  fern       leaf      stripes  green    0   0   0  forest woods evergreen undergrowth trees hike
  mushroom   dome      dots     red      0   0   0  mushroom toadstool fungi autumn spores moss
waves: sea water holiday diving
  goldfish   leaf      rings    orange   0   0   0  fish aquarium underwater fin pond swimming
  trout      leaf      speckle  blue     0   0   0  fish aquarium underwater fin pond swimming
  starfish   star      dots     orange   0   0   0  starfish seastar tidepool beach sand lowtide
  lifebelt   ring      stripes  orange   0   0   0  lifebelt lifebuoy ferry harbour boat rescue
tiles: indoors friends home fun
  chessboard square    checker  brown    0   0   0  game boardgame play gamenight toys rainyday
  dice       square    dots     white    0   0   0  game boardgame play gamenight toys rainyday
  badge      star      rings    yellow   0   0   0  badge sheriff medal police award costume
flurry: winter cold december white
  gift       square    checker  purple   0   0   0  gift present birthday party ribbon wrapping
  snowflake  star      speckle  white    0   0   0  snowflake snow flake frost ice crystal
  igloo      dome      checker  blue     0   0   0  igloo arctic snow inuit eskimo north
"""


def _settings(table: str) -> dict[str, tuple[str, tuple[Concept, ...]]]:
    """The words and the concepts of each setting."""
    settings: dict[str, tuple[str, tuple[Concept, ...]]] = {}
    for line in table.strip().splitlines():
        name, *rest = line.split()
        if not line.startswith(" "):
            setting = name.removesuffix(":")
            settings[setting] = (" ".join(rest), ())
        else:
            (shape, texture, colour), (r, g, b) = rest[:3], map(int, rest[3:6])
            concept = Concept(name, shape, texture, colour, " ".join(rest[6:]), (r, g, b))
            words, others = settings[setting]
            settings[setting] = (words, (*others, concept))
    return settings


SETTINGS = _settings(_TABLE)
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
