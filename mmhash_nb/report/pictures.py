"""The pictures that the notebooks save, each with a sentence on what it shows."""

from pathlib import Path

from mmhash_nb.report.document import Picture

#: By file name without its ending; numbers are those of the paper's own figures.
_CAPTIONS = {
    "figure1_unimodal": "Figure 1. Unimodal retrieval: the nearest items of three queries, by "
    "several methods.",
    "figure2_codes": "Figure 2. A query, its nearest items of the other modality, their "
    "descriptors and codes. Bits that differ from the query's are red and crossed.",
    "figure3_precision_recall": "Figure 3. Precision by recall of cross-modal retrieval, solid in "
    "one direction, dashed in the other.",
    "figure4_words": "Figure 4. Pictures found by a few words, written as a tag vector and hashed "
    "by the text network: CM-SSH against MM-NN.",
    "figure5_annotation": "Figure 5. Annotation: the tags of the five texts nearest to a picture. "
    "Those that the picture itself carries are green, bold and ticked.",
    "figure6_cross_modal": "Figure 6. Cross-modal retrieval: a picture asks, texts answer. Shown "
    "are the pictures that belong to the five nearest texts, where there are any.",
    "figure7_matching": "Figure 7. Matching, the other direction: a text asks, pictures answer.",
    "figures2_3_ndcg_acg": "Figures 2 and 3. NDCG and ACG of the first p items, by p, in both "
    "directions, with the paper's gallery. First seed.",
    "code_updates": "The codes while they are learned: the objective of Eq. 4 and its two parts by "
    "round, and the share of bits that change.",
    "latent_gaussians": "The latent variable: its mean and one standard deviation by bit, for four "
    "queries, and how far means lie from zero for right and wrong bits.",
    "figure5_precision_recall": "Figure 5. Precision at levels of recall by Hamming ranking, "
    "a panel for each direction. First seed.",
    "figure6_masks": "Figure 6. Queries, their attention masks, and what is attended and "
    "unattended of them.",
    "figure7_mechanisms": "Figure 7. The ablations drawn: no attention, on pictures only, on texts "
    "only, and the whole method.",
    "adversarial_curves": "The game: the losses on attended and on unattended features by step, "
    "mean over seeds with its 95 % interval.",
    "attended_words": "How the attended text features of a few queries divide among their words.",
    "figure6_precision_recall": "Figure 6. Precision and recall of hash lookup: a point for each "
    "Hamming radius.",
    "figure7_precision_at_top": "Figure 7. Precision among the items returned first.",
    "figure8_ablation": "Figure 8. Precision among the items returned first, for the ablations.",
    "attention_channels": "For four queries, the channels that attention weighs most, each as a "
    "heat map over the picture; ×2 means twice the even weight.",
    "attention_channel_gallery": "The channels whose attention varies most between queries, and "
    "the queries to which each contributes most.",
    "attention_words": "How the attention over the text units divides among the words that excite "
    "them.",
    "quality_by_length_text_image": "Quality by code length, text to image: means with 95 % "
    "intervals, dots for the seeds.",
    "quality_by_length_image_text": "Quality by code length, image to text.",
    "quality_by_length_joint_joint": "Quality by code length, codes of both modalities together.",
    "quality_by_time_across": "Quality by training time, across modalities: a point a method. The "
    "line joins those than which no faster one is as good.",
    "quality_by_time_within": "Quality by training time, within a modality and with joint codes.",
    "differences_across": "Each method against the best of its direction, across modalities, with "
    "95 % intervals; filled where it differs after correction for all pairs of methods.",
    "differences_within": "Each method against the best of its direction, within a modality and "
    "with joint codes.",
    "ties": "What the order among equal distances leaves room for in a score: worst, expected and "
    "best.",
}


def pictures(folder: Path) -> dict[str, list[Picture]]:
    """The PNG files of `folder/<dataset>/`, by dataset; none where there is no such folder."""
    found: dict[str, list[Picture]] = {}
    for path in sorted(folder.glob("*/*.png")):
        words = path.stem.replace("_", " ")
        said = _CAPTIONS.get(path.stem, f"{words[:1].upper()}{words[1:]}.")
        found.setdefault(path.parent.name, []).append(Picture(path, said))
    return found
