"""What zeng2022 says in words: text, section or table, datasets, and how it is checked.

Sections and tables are those of the 2019 version, but where the journal version is named.
"""

from mmhash_nb.papers.checks import Better, BetterAcross, Scored, each

_ALL = ("nuswide", "mirflickr25k", "iaprtc12")
_IAPR = ("iaprtc12",)
_JOINT = ("joint-joint",)
#: CSQ is the journal version's
_IMAGE = "dpsh dsh hashnet dth csq"
_FUSION = "concat gmu mcb"


def _over_unimodal(joint: str) -> tuple[tuple[Scored, Scored], ...]:
    """Every method of `joint` with every one that hashes a single modality, each in its task."""
    pairs = each(joint, f"{_IMAGE} texthash")
    alone = {"texthash": "text-text"}
    return tuple((Scored(a, *_JOINT), Scored(b, alone.get(b, "image-image"))) for a, b in pairs)


_OVER_ONE_MODALITY = tuple(
    (Scored("concat", *_JOINT), alone)
    for alone in (Scored("dth", "image-image"), Scored("texthash", "text-text"))
)
_OVER_DTH = ((Scored("mah", *_JOINT), Scored("dth", "image-image")),)
_OVER_NO_KN = ((Scored("mah", *_JOINT), Scored("mah_no_kn", *_JOINT)),)

# "Significantly" is read as a 95 % interval above zero, as for masci2014.
CLAIMS = (
    (
        "Compared with the unimodal approaches, MAH performs significantly better than all",
        "Section VI-C, Table I",
        _ALL,
        BetterAcross(_over_unimodal("mah")),
    ),
    (
        "Multi-modal approaches can improve (read as Concat over the same loss on one modality)",
        "Section VI-C, Table I",
        _ALL,
        BetterAcross(_OVER_ONE_MODALITY),
    ),
    (
        "MAH shows a relative increase of 4.6 % to 6.9 % over DTH (read as at least 4.6 %)",
        "Section VI-C, Table I",
        _IAPR,
        BetterAcross(_OVER_DTH, factor=1.046),
    ),
    (
        "DTH achieves an excellent performance (read as the best of the image hashing methods)",
        "Section VI-C, Table I",
        _ALL,
        Better(each("dth", "dpsh dsh hashnet"), ("image-image",)),
    ),
    (
        "Compared with other deep fusion strategies, MAH yields the best performance",
        "Section VI-C, Table I",
        _ALL,
        Better(each("mah", _FUSION), _JOINT),
    ),
    (
        "Modal-aware features achieve better performance than the same network without (Concat)",
        "Section VI-C, Table I",
        _ALL,
        Better(each("mah", "concat"), _JOINT),
    ),
    (
        "It is desirable to learn the intermediate features with the kernel network",
        "Section VI-D, Table II",
        _ALL,
        Better(each("mah", "mah_no_kn"), _JOINT),
    ),
    (
        "It is desirable to learn the intermediate features with the attention network",
        "Section VI-D, Table II",
        _ALL,
        Better(each("mah", "mah_no_an"), _JOINT),
    ),
    (
        "Compared to w/o KN, MAH gains 1.63 % to 2.60 % (read as relative, at least 1.63 %)",
        "Journal version, ablation study, Table 5",
        _IAPR,
        BetterAcross(_OVER_NO_KN, factor=1.0163),
    ),
    (
        "Sentence vectors do better than bags of words (numbers of the table, not a sentence)",
        "Section VI-D, Table III",
        _IAPR,
        Better(each("mah_sentences", "mah"), _JOINT),
    ),
)
