"""What an Android switch shows on its thumb: its state in a word of the device's language.

Android puts that word behind the text of a switch ("Wi-Fi ON"). The state says it already; in the
name, it would be a second change of the same fact.
"""

from __future__ import annotations

from typing import Final

from systemzero_core.normalize.role_tables import words

# As case folding leaves them: it turns the capital of Turkish `ı` into `i`.
_ON = words("""
    on an ein aan oui si sí sim ativado activado activé вкл açık açik wł 开启 打开 開啟 オン 켜짐
    사용
""")
_OFF = words("""
    off aus uit non no não desativado desactivado désactivé выкл kapalı kapali wył 关闭 關閉 オフ
    꺼짐 안함
""")
_WORDS: Final = {"checked": _ON, "unchecked": _OFF}
_BREAKS: Final = "\n\r,"
_BETWEEN: Final = " \t\u00a0" + _BREAKS


def without_state(text: str, state: str | None) -> str:
    """`text` without its last word, where that says nothing but `state`.

    The word stands alone, on a line or behind a comma of its own, or in capitals: the `on` of
    `Always on` is a word of the label and stays when the switch is turned.
    """
    shown = text.rstrip()
    at = max(map(shown.rfind, _BETWEEN)) + 1
    before = shown[:at].rstrip(_BETWEEN)
    word, gap = shown[at:], shown[len(before) : at]
    if word.rstrip(".").casefold() not in _WORDS.get(state or "", ()):
        return text
    stands_apart = not before or any(mark in gap for mark in _BREAKS) or word == word.upper()
    return before if stands_apart else text
