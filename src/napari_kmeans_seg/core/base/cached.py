"""Properties that are found once, without a lock while they are."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property as cached_property  # noqa: TID251
else:
    from contextlib import nullcontext
    from functools import cached_property as _locking  # noqa: TID251

    class cached_property(_locking):  # noqa: N801 - it is that of later versions of Python
        """`functools.cached_property` as it is from Python 3.12 on.

        Until then it holds a lock that all objects of a class share: while a thread works on one
        image the others wait for it, and a process that is forked meanwhile waits for ever.
        """

        def __init__(self, func: object) -> None:
            super().__init__(func)
            self.lock = nullcontext()
