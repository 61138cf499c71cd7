"""Whether an image is of the kind that a model was fitted on: its form, and what it is made of."""

from collections.abc import Sequence

from .errors import WrongValue
from .note import Note
from .notes import Plain


def same_channels(given: Sequence[str], expected: Sequence[str], whose: str) -> tuple[Note, ...]:
    """Refuse channels in another order; say so where they have other names.

    Parameters
    ----------
    given, expected : sequence of str
        Names of the channels of an image, and of those before it. Of none nothing is told.
    whose : str
        Whose the expected ones are, e.g. "the model".

    Raises
    ------
    ValueError
        If a channel of the same name stands at another place.
    """
    if not given or not expected:
        return ()
    found, takes = ([name.strip().casefold() for name in names] for names in (given, expected))
    if found == takes:
        return ()
    if any(name in takes and takes.index(name) != i for i, name in enumerate(found)):
        raise WrongValue(
            "channel_names",
            f"those of {whose}, {', '.join(expected)}",
            ", ".join(given),
            advice="Bring the channels into this order.",
        )
    text = (
        f"Its channels are called {', '.join(given)}; those of {whose} {', '.join(expected)}. They "
        "are taken for the same, in this order."
    )
    return (Plain(text=text),)
