"""What an Android switch shows on its thumb: its state in a word of the device's language.

Android puts that word behind the text of a switch ("Wi-Fi ON"). The state says it already; in the
name, it would be a second change of the same fact.
"""

from __future__ import annotations

from typing import Final

from systemzero_core.normalize.role_tables import words

_ON = words(
    "on an ein aan oui si sí sim ativado activado activé вкл açık wł 开启 打开 開啟 オン 켜짐 사용"
)
_OFF = words("""
    off aus uit non no não desativado desactivado désactivé выкл kapalı wył 关闭 關閉 オフ 꺼짐 안함
""")
_WORDS: Final = {"checked": _ON, "unchecked": _OFF}


def without_state(text: str, state: str | None) -> str:
    """`text` without its last word, where that says nothing but `state`."""
    before, _, last = text.rstrip().rpartition(" ")
    return before.rstrip() if last.casefold() in _WORDS.get(state or "", ()) else text
