"""What is wrong with what was given, so that code knows it without reading the sentence."""

from collections.abc import Callable, Collection

Naming = Callable[[str, str], str]
"""What an argument is called, and beside it a value that it has, empty where none is said."""


def as_argument(argument: str, value: str = "") -> str:
    """Call an argument what a caller in Python does."""
    return f"{argument}={value}" if value else argument


class ArgumentProblem(Exception):
    """An argument is not what it should be.

    Parameters
    ----------
    argument : str
        Its name.
    takes : str
        What it can be.
    got : str
        What it was.
    value : str
        The value of the argument, if only then it takes this.
    place : str
        Which part of the argument it is, e.g. "[1]".
    others : collection of str
        Other arguments, which stand in braces in `takes`, `got` and `place`. Where there are any,
        nothing else may stand in braces there.
    advice : str
        A sentence more, on what to do.
    """

    def __init__(
        self,
        argument: str,
        takes: str,
        got: str,
        *,
        value: str = "",
        place: str = "",
        others: Collection[str] = (),
        advice: str = "",
    ) -> None:
        # Only these, and the rest as attributes: a copy comes back from another process.
        super().__init__(argument, takes, got)
        self.argument, self.takes, self.got = argument, takes, got
        self.value, self.place, self.advice = value, place, advice
        self.others = tuple(others)

    def __str__(self) -> str:
        """Say it to a caller in Python."""
        return self.words()

    def words(self, naming: Naming = as_argument) -> str:
        """Say it, calling arguments what a person knows them by."""
        named = naming(self.argument, self.value)
        text = f"{self.place} takes {self.takes}; got {self.got}."
        if self.others:
            text = text.format(**{other: naming(other, "") for other in self.others})
        return named + text + (self.advice and f" {self.advice}")


class WrongValue(ArgumentProblem, ValueError):
    """An argument is of the right type, and has a value that it does not take."""


class WrongType(ArgumentProblem, TypeError):
    """An argument is of a type that it does not take."""


def reworded(problem: Exception, text: str) -> Exception:
    """Return an error with a text of its own, and of the kind of another, for `except` to catch."""
    kinds = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError,
             PermissionError, OSError, TypeError, ValueError)  # fmt: skip
    kind = next((one for one in kinds if isinstance(problem, one)), ValueError)
    return kind(text)


class NoPixels(ValueError):
    """No pixel of the image takes part."""

    def __str__(self) -> str:
        """Say it to a caller in Python."""
        return (
            "image takes at least one pixel that is finite, inside the mask and not fully "
            "transparent; got none."
        )


class EmptyMask(WrongValue, NoPixels):
    """No pixel of the image takes part, since the mask has none."""

    __str__ = WrongValue.__str__
