"""What stands over a screen: a dialog, an open menu, a banner. See `docs/design/match.md`."""

from systemzero_core.overlay.find import overlays_of
from systemzero_core.overlay.model import Overlay

__all__ = ["Overlay", "overlays_of"]
