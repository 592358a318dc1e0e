"""The ``cohort`` trainer: many plans in one compiled program, with the answers of the ``keras`` trainer.

- ``layout``: the variables of a bucket's program; padding weights into a lane and cutting them out
- ``settings``: what differs between members, as arrays over the lanes
- ``activations``, ``noise``, ``network``: the forward pass of all lanes; ``mutation``: of their weights
- ``optimizers``: Keras' optimizers with a learning rate per lane
- ``rows``: the data on the device
- ``program``: the compiled epoch
- ``progress``, ``lanes``: how members are going, and their way through the lanes
- ``trainer``: the contract of a trainer

Which plans share a program is decided in ``ganas.cohorts``, which needs no TensorFlow; docs/cohort.md has the reasons.
"""

from ganas.training.cohort.program import compilations
from ganas.training.cohort.trainer import train

__all__ = ["compilations", "train"]
