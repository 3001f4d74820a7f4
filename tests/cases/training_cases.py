"""A training of any module and loss, for several tests."""

from mmhash_nb.training.loop import train
from mmhash_nb.training.objective import Objective
from mmhash_nb.training.optimisers import Adam


class Function(Objective):
    """The loss is a function of a batch; `on_epoch` is one as well."""

    def __init__(self, module, loss, on_epoch=None, adversary=None):
        super().__init__()
        self.module, self.adversary, self.function = module, adversary, loss
        if on_epoch is not None:
            self.on_epoch = on_epoch

    def loss(self, batch):
        return self.function(batch)


def minimise(module, loss, n_samples, *, on_epoch=None, adversary=None, **settings):
    """`train` a module on a function, by Adam unless another optimiser is given."""
    objective = Function(module, loss, on_epoch, adversary)
    return train(objective, n_samples, **{"optimiser": Adam(), **settings})
