"""From which score on a template is taken for the screen."""

from __future__ import annotations

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.match.page import Agreement


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which score on a template is taken for the screen. Measured: `docs/design/match.md`.

    Attributes:
        match: without a hint.
        agreeing_margin: how much lower it is where address and title agree: a page that was
            rewritten.
        contradicted_margin: how much higher it is where neither agrees: most likely another page of
            the application, with the same navigation around it. What pages say they are is then
            left out of the score. The same where each has a tab chosen that the other only offers.
        elsewhere_margin: how much higher it is where only the address does not agree, with titles
            that do not say more; what pages say they are is left out, too.
        hinted: with a hint of that screen.
        hint_margin: by how much another screen may fit better than the hinted one.
    """

    match: float = 0.45
    agreeing_margin: float = 0.2
    contradicted_margin: float = 0.35
    elsewhere_margin: float = 0.25
    hinted: float = 0.2
    hint_margin: float = 0.05

    def __post_init__(self) -> None:
        """Refuses what is no share, and a hint that would make a match harder.

        Raises:
            InvalidInput: names the threshold.
        """
        for name in self.__struct_fields__:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidInput.at(f"thresholds.{name}", "must lie between 0 and 1")
        if self.hinted > self.match:
            raise InvalidInput.at("thresholds.hinted", "must not be above thresholds.match")

    def of(self, agreement: Agreement) -> float:
        """The threshold without a hint."""
        if agreement is Agreement.AGREES:
            return max(self.match - self.agreeing_margin, 0.0)
        if agreement in (Agreement.CONTRADICTS, Agreement.TURNED):
            return min(self.match + self.contradicted_margin, 1.0)
        if agreement is Agreement.ELSEWHERE:
            return min(self.match + self.elsewhere_margin, 1.0)
        return self.match


DEFAULT_THRESHOLDS = Thresholds()
"""0.45; 0.25 where address and title agree, 0.80 where neither does, 0.70 where the address
does not; 0.20 for a hinted screen, unless another one fits better by more than 0.05."""
