"""What happened in a run: computed first, drawn and written after. Reads runs; loads no TensorFlow.

- ``tables``: rows of plain data from a run's records (pure)
- ``words``: numbers as a person writes them
- ``figures``: those rows drawn; matplotlib lives here only
- ``page``: ``report.md`` and a ``report.html`` that is one file
- ``code``: a plan as a Keras script
"""
