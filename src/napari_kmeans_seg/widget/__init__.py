"""The top floor: what a person touches.

The way of a click on Run, in the order of its steps:

1. `kmeans.KMeansWidget.run` asks `base.state.DockState` for the `Request`.
2. It is read from `fields.target` (which image), `fields.inputs` (what of it) and
   `fields.options` (the arguments of `segment`, whose table is `core.arguments`).
3. `run.Run` makes the work of it, and watches the layers of an earlier run for edits.
4. `base.task.Task` does the work on a thread; `base.task.Clock`, the only timer, looks after it.
5. The outputs become layers inside of `DockState.settling`: nothing is followed meanwhile.
6. Then target, table (`table.cluster_table`) and plots (`plots.cluster_plot`) follow once.
7. What is read below the buttons is a `base.state.Said`, with the key of the images it is true of.

`preview.Preview` goes the same way whenever a setting is moved, and numbers what it is asked for.
"""

from .kmeans import KMeansWidget

__all__ = ["KMeansWidget"]
