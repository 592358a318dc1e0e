"""How plans are trained. TensorFlow and Keras live in this package only; only worker processes import its trainers.

- ``contract``: what goes into a trainer and what comes out (no TensorFlow), and ``TRAINERS`` by name
- ``streams``: the batch order and the seeds of initial weights, which both trainers share (no TensorFlow)
- ``session``: TensorFlow silenced, its threads set, before its first operation
- ``program_cache``: compiled programs on disk, shared by workers and runs
- ``build``: a plan as a ``keras.Model``; ``objective``: its loss, optimizer and initialisers; ``tied``: its tied weights
- ``course``: curves, the best epoch, patience and limits, by which both trainers go; ``progress``: those of a ``fit``
- ``fit``: the ``keras`` trainer: one model at a time, ``Model.fit``; the reference
- ``cohort``: the ``cohort`` trainer: many plans in one compiled program
- ``weight_mutation``: the in-training regularizer as a Keras callback; ``mutation``: its operator on one tensor
- ``inspection``, ``latency``: what trained networks are asked besides: dead units, the time of a prediction
- ``export``: a trained network with its preprocessing, as one ``.keras`` file that takes raw rows
- ``fetch``: a data set that Keras knows, in a process of its own
"""
