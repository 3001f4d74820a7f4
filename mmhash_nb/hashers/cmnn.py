"""CM-NN: MM-NN without pairs within a modality (Masci et al., TPAMI 2014)."""

from mmhash_nb.hashers.mmnn import MMNN


class CMNN(MMNN):
    """MM-NN with α = 0: the cross-modal loss L_XY alone (Eq. 6)."""

    class Options(MMNN.Options):
        alpha: float = 0.0
