"""A result whose plot is open."""

from __future__ import annotations

import pytest
from qtpy.QtTest import QTest


@pytest.fixture
def settle(qtbot):
    """Wait until all is drawn that is to be drawn."""

    def wait(plot):
        QTest.qWait(20)
        qtbot.waitUntil(lambda: not plot.busy, timeout=20_000)

    return wait


@pytest.fixture
def ran(viewer, dock, finish, settle):
    """Run on an image, with the section unfolded; gives the widget."""

    def run(image, k=4, **settings):
        viewer.add_image(image, name="image")
        widget = dock()
        widget.n_clusters.value = k
        for name, value in settings.items():
            getattr(widget.more_options, name).value = value
        widget.see.expand()
        widget.run()
        finish(widget)
        assert widget.state == "done", widget.message.value
        settle(widget.cluster_plot)
        return widget

    return run
