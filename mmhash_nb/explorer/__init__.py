"""The explorer: turn over retrieval results by method, code length, query and radius."""

from mmhash_nb.explorer.drawing import draw
from mmhash_nb.explorer.search import Masks, directions, in_words
from mmhash_nb.explorer.widget import Explorer, explore
