"""What says that something is on its way: words for loading, and spinners, which tell no progress.

A spinner is a `progressbar` that says nothing, or no more than that something is loading. One that
says anything else (`Uploading cat.jpg`, `Upload failed`, `40 %`) is content, and so is whatever can
be used or read in a spinner.
"""

from __future__ import annotations

import re
from typing import Final

from systemzero_core.characters import known
from systemzero_core.normalize.role_tables import words
from systemzero_core.normalize.text import normal_text
from systemzero_core.tree import Node

_LONGEST_PHRASE = 60

_LOADING_WORDS = re.compile(
    r"""[\W\d_]*(?:
        (?:now[ ]|still[ ])?
        (?:loading|initiali[sz]ing|connecting|starting(?:[ ]up)?|fetching|preparing)
        (?P<what>(?:[ ][^\W_]+){0,4})
      | (?:please[ ])?wait(?:[ ]a[ ]moment)? | (?:just[ ]a|one)[ ](?:moment|second)(?:[ ]please)?
      | wird[ ]geladen | laden? | lade[ ]daten | bitte[ ]warten | chargement(?:[ ]en[ ]cours)?
      | veuillez[ ]patienter | cargando | espere[ ]por[ ]favor | caricamento(?:[ ]in[ ]corso)?
      | carregando | a[ ]carregar | загрузка | 読み込み中 | ロード中 | 加载中 | 正在加载
      | 載入中 | 로딩[ ]?중? | 불러오는[ ]중 | yükleniyor | ładowanie | wczytywanie
    )[\W\d_]*""",
    re.VERBOSE | re.IGNORECASE,
)
_INDICATORS_WORDS = re.compile(
    r"""[\W\d_]*(?:
        in[ ]progress | progress[ ]halted | busy | working | processing | progress
      | in[ ](?:bearbeitung|arbeit) | en[ ]cours | en[ ](?:curso|progreso) | in[ ]corso
      | em[ ](?:andamento|curso) | w[ ]toku | bezig | выполняется | 進行中 | 进行中 | 진행[ ]중
    )[\W\d_]*""",
    re.VERBOSE | re.IGNORECASE,
)
"""What platforms call their spinners. Elsewhere these are content: an order is in progress."""
_ENDED = words("""
    aborted cancelled canceled complete completed done error failed failure finished halted paused
    stopped unsuccessful
""")
"""`Loading failed` says that nothing is on its way any more."""
_ENDS_LIKE_WAITING = ("…", "...", "%")

SAYING: Final = words("""
    description error item-status placeholder roledescription state-description title valuetext
""")
"""Attributes in which a progress bar says something to people."""
_PARTS = words("generic graphics-object graphics-symbol group img text")
"""What spinners are drawn with."""


def says_loading(text: str) -> bool:
    """Whether `text` is nothing but a word for "loading" (in some dozen languages), in any case.

    More than one word of what is loaded counts only where the text trails off (`Loading your
    workspace…`), so that a heading such as "Starting up the server" is content.
    """
    if len(text) > _LONGEST_PHRASE:
        return False
    clean = normal_text(text)
    found = _LOADING_WORDS.fullmatch(known(clean))
    if found is None:
        return False
    what = (found["what"] or "").lower().split()
    if _ENDED.intersection(what):
        return False
    return len(what) <= 1 or clean.endswith(_ENDS_LIKE_WAITING)


def is_spinner(node: Node) -> bool:
    """Whether `node`, a progress bar, tells no progress and nothing else."""
    told = [value for key, value in node.attributes if key in SAYING]
    return all(map(_says_no_more, (node.name, node.value, *told)))


def is_part_of_spinner(node: Node, role: str) -> bool:
    """Whether `node`, of the ARIA role `role` and in a spinner, is a picture or a text of it."""
    return role in _PARTS and is_spinner(node)


def _says_no_more(text: str) -> bool:
    if not text or text.isspace():
        return True
    return says_loading(text) or (
        len(text) <= _LONGEST_PHRASE
        and _INDICATORS_WORDS.fullmatch(known(normal_text(text))) is not None
    )
