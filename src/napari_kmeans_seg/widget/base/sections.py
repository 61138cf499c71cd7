"""How the dock is laid out, where magicgui has no words for it."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QEvent,
    QObject,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from magicgui.widgets import Container, Label, ProgressBar, Widget

_MARK = "⚠ "
# How long what a section unfolds may take to come, in seconds.
_UNFOLDS = 3.0


def wrap(*labels: Label) -> None:
    """Let long texts go on in the next line, and never widen the dock."""
    for label in labels:
        label.native.setWordWrap(True)
        label.native.setMinimumWidth(0)
        label.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)


def thin(bar: ProgressBar) -> None:
    """Make a progress bar a line that leaves its place when it is hidden: nothing may jump."""
    native = bar.native
    native.setTextVisible(False)
    native.setFixedHeight(6)
    policy = native.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    native.setSizePolicy(policy)


def hidden_line() -> QLabel:
    """Make a text that goes on in the next line, and is not seen at first."""
    line = QLabel()
    line.setWordWrap(True)
    line.hide()
    return line


def mark(containers: Iterable[Container[Widget]], marked: Collection[str]) -> None:
    """Mark the fields of these labels, and no others."""
    for container in containers:
        names = [unmarked(field) for field in container]
        labels = [f"{_MARK}{name}" if name in marked else name for name in names]
        if labels != [field.label for field in container]:
            for field, label in zip(container, labels, strict=True):
                field.label = label
            # magicgui has measured them, in another font: what the style says holds again.
            container.native.setStyleSheet(container.native.styleSheet())


def unmarked(field: Widget) -> str:
    """Return the label of a field without its mark."""
    return field.label.removeprefix(_MARK)


class Section(QWidget):
    """A title that folds and unfolds what is below it; folded at first.

    Parameters
    ----------
    title : str
        What is read beside the arrow.
    *widgets : QWidget
        What is below it, from top to bottom.

    Attributes
    ----------
    toggled : Signal
        Emitted when it was unfolded (true) or folded.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, *widgets: QWidget) -> None:
        super().__init__()
        self._title = title
        self.button = QPushButton()
        self.button.setCheckable(True)
        # By Tab only: what was clicked needs no mark.
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setStyleSheet(
            "QPushButton { text-align: left; border: none; background: transparent;"
            " padding: 3px 0; } QPushButton:focus { text-decoration: underline; }"
        )
        self.content = QWidget()
        inside = QVBoxLayout(self.content)
        inside.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            inside.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(self.content)
        # A method, not a function made in place: PySide6 would keep that one for ever, and
        # with it the whole dock.
        self.button.toggled.connect(self._on_toggled)
        self._note = ""
        self._on_toggled(False)

    @property
    def is_expanded(self) -> bool:
        """Whether it is unfolded."""
        return bool(self.button.isChecked())

    def expand(self) -> None:
        """Unfold."""
        self.button.setChecked(True)

    def note(self, text: str, tooltip: str) -> None:
        """Say something of what is below, also while it is folded."""
        self._note = f" {text}" if text else ""
        self.button.setToolTip(tooltip)
        self._entitle()

    def _entitle(self) -> None:
        arrow = "▾" if self.is_expanded else "▸"
        self.button.setText(f"{arrow} {self._title}{self._note}")

    def _on_toggled(self, opened: bool) -> None:
        self._entitle()
        self.content.setVisible(opened)
        self.toggled.emit(opened)


class Scrolled(QScrollArea):
    """Widgets below each other that are scrolled where the window is too low for all.

    Parameters
    ----------
    *widgets : QWidget
        From top to bottom.
    """

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            layout.addWidget(widget)
        layout.addStretch()
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self._opened: Section | None = None
        self._since = 0.0
        for widget in widgets:
            if isinstance(widget, Section):
                widget.toggled.connect(self._on_section)
        bar = self.verticalScrollBar()
        assert bar is not None
        bar.rangeChanged.connect(self._reveal_soon)
        # napari's theme draws a frame around what has none.
        self.setStyleSheet("QScrollArea { border: none; padding: 0; }")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _on_section(self, opened: bool) -> None:
        section = self.sender()
        self._opened = section if opened and isinstance(section, Section) else None
        self._since = perf_counter()

    def _reveal_soon(self) -> None:
        # What is in it may come a while later; not for ever, for nothing is to move by itself.
        if self._opened is not None and perf_counter() - self._since < _UNFOLDS:
            QTimer.singleShot(0, self._reveal)

    def _reveal(self) -> None:
        """Scroll to what a section has unfolded below the window."""
        section, bar, view = self._opened, self.verticalScrollBar(), self.viewport()
        if section is not None and bar is not None and view is not None:
            top, bottom = section.y(), section.geometry().bottom()
            bar.setValue(max(bar.value(), min(top, bottom - view.height())))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Open the dock as wide as its title, which napari writes in one line."""
        return self.minimumSizeHint().expandedTo(QSize(284, 0))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Leave room for the scroll bar, so that it covers nothing."""
        inside, bar = self.widget(), self.verticalScrollBar()
        assert inside is not None
        assert bar is not None
        width = inside.minimumSizeHint().width() + bar.sizeHint().width()
        return QSize(width, 120)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Ask for that room anew when a section is unfolded."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


class On(QObject):
    """Says when a Qt widget gets an event of a kind.

    Parameters
    ----------
    watched : QObject
        The widget.
    kind : QEvent.Type
        When it gets another parent, or none, napari closes its dock; it is hidden, too, when
        the window is closed.
    callback : callable
        Is called then.
    """

    # Of the class, too: Qt still asks while Python takes the object apart.
    _kind: QEvent.Type | None = None

    def __init__(self, watched: QObject, kind: QEvent.Type, callback: Callable[[], None]) -> None:
        super().__init__(watched)
        self._kind, self._callback = kind, callback
        watched.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Pass everything on."""
        if event is not None and event.type() == self._kind:
            self._callback()
        return False


class WheelScrolls(QObject):
    """Keeps the wheel from the values of controls that have not the focus.

    Who scrolls a panel with the mouse passes over them, and must not change what they say.

    Parameters
    ----------
    panel : QWidget
        Holds the controls, at any depth.
    scrolled : QScrollArea
        Is scrolled instead.
    """

    # Of the class, too: Qt still asks while Python takes the object apart.
    _bar: QScrollBar | None = None

    def __init__(self, panel: QWidget, scrolled: QScrollArea) -> None:
        super().__init__(panel)
        self._bar = scrolled.verticalScrollBar()
        for control in panel.findChildren(QWidget):
            turned = isinstance(control, (QComboBox, QAbstractSpinBox, QAbstractSlider))
            if turned and not isinstance(control, QScrollBar):
                # The wheel would bring the focus along.
                control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                control.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Turn the scroll bar instead, as a scroll area does with a wheel above it."""
        wheel = event is not None and event.type() == QEvent.Type.Wheel
        if not wheel or not isinstance(watched, QWidget) or watched.hasFocus():
            return False
        QApplication.sendEvent(self._bar, event)
        return True
