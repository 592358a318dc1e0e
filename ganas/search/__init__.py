"""What may be built. Needs NumPy only.

- ``plan``: ``NetworkPlan``, a network and how to train it, as plain data; ``values``: how its values are read;
  ``activations``: their names
- ``genes``: one decision each; ``space``: ``SearchSpace``, its genomes, and what they stand for
- ``words``: the specs of a ``[search]`` section as genes
- ``mlp``: the space of multilayer perceptrons; ``autoencoder``: of autoencoders; ``start``: networks of one's own to try first
- ``families``: ``FAMILIES`` of networks by name, each with its space
"""
