"""The words that dark patterns are made of, after the taxonomies of Gray et al. (CHI 2018) and
Mathur et al. (CSCW 2019). English, with the commonest forms of German, French and Spanish.

Every expression is a list of bounded alternatives: linear in the text, and read with the letters
and digits that Unicode 14.0 has.
"""  # noqa: D205

from __future__ import annotations

import re
from collections.abc import Sequence

from systemzero_core.characters import known


class _Words:
    """Any of some wordings, as whole words, in any case."""

    def __init__(self, alternatives: Sequence[str]) -> None:
        self._wording = re.compile(
            r"(?<!\w)(?:" + "|".join(alternatives) + r")(?!\w)", re.IGNORECASE
        )

    def search(self, text: str) -> bool:
        """Whether one of them is in `text`."""
        return self._wording.search(known(text)) is not None


def _any_of(*alternatives: str) -> _Words:
    return _Words(alternatives)


DECLINE = _any_of(
    r"declin(?:e|es|ed)",
    r"reject(?: all)?",
    r"refuse",
    r"cancel(?:led|lation)?",
    r"unsubscribe",
    r"opt[ -]?out",
    r"no,? thanks?(?: you)?",
    r"not now",
    r"skip(?! to )",
    r"dismiss",
    r"close account",
    r"delete (?:my )?account",
    r"only (?:necessary|essential)",
    r"(?:necessary|essential) only",
    r"do not (?:sell|share)[^.]{0,40}",
    r"manage (?:cookies|preferences|choices)",
    r"withdraw",
    r"ablehnen",
    r"alle ablehnen",
    r"abbrechen",
    r"kündigen",
    r"abmelden",
    r"nein,? danke",
    r"(?:tout )?refuser",
    r"annuler",
    r"résilier",
    r"se désabonner",
    r"non,? merci",
    r"rechazar(?: todo)?",
    r"cancelar",
    r"darse de baja",
    r"no,? gracias",
)
"""Names of ways out."""

CONFIRM_SHAMING = _any_of(
    r"no,? thanks?,? i [^.]{1,60}",
    r"no,? (?:thanks?,? )?i(?:'ll|'d| will| would| do| don't| prefer| hate| am|'m)[^.]{0,60}",
    r"i (?:don't|do not) (?:want|like|need|care|believe)[^.]{0,60}",
    r"i(?:'d| would) rather[^.]{0,60}",
    r"i(?:'ll| will) (?:pay full price|miss out|risk)[^.]{0,40}",
    r"i (?:hate|prefer (?:to pay|paying))[^.]{0,60}",
    r"i'm (?:fine|ok(?:ay)?|happy) without[^.]{0,60}",
    r"(?:continue|proceed|leave|go) without"
    r" (?:protection|saving|discount|insurance|cover)[^.]{0,40}",
    r"nein,? ich (?:möchte|will|zahle|verzichte)[^.]{0,60}",
    r"non,? je (?:préfère|ne veux)[^.]{0,60}",
    r"no,? (?:yo )?prefiero[^.]{0,60}",
)
"""Declining worded so that it shames."""

CONSENT = _any_of(
    r"newsletters?",
    r"marketing",
    r"promotion(?:s|al)?",
    r"(?:special )?offers",
    r"e?-?mail updates",
    r"subscribe",
    r"consent",
    r"i agree",
    r"share (?:my )?(?:data|information)[^.]{0,40}",
    r"partners",
    r"third part(?:y|ies)",
    r"track(?:ing)?",
    r"personali[sz]ed ads?",
    r"auto-?renew(?:al)?",
    r"insurance",
    r"protection plan",
    r"donat(?:e|ion)",
    r"add (?:a )?tip",
    r"gift ?wrap(?:ping)?",
    r"premium",
    r"free trial",
    r"werbung",
    r"einwilligung",
    r"einverstanden",
    r"angebote",
    r"j'accepte",
    r"publicité",
    r"acepto",
    r"publicidad",
    r"boletín",
)
"""What boxes ask consent to."""

URGENCY = _any_of(
    r"only \d+ (?:left|remaining|rooms?|seats?|items?|spots?)[^.]{0,30}",
    r"\d+ left(?: in stock| at)?",
    r"(?:offer|sale|deal|discount|price|cart|reservation)[^.]{0,20} (?:ends?|expires?)"
    r"(?: in| soon| at)?",
    r"hurry(?: up)?",
    r"last chance",
    r"limited[ -]time",
    r"selling (?:out )?fast",
    r"almost gone",
    r"act (?:now|fast)",
    r"don't miss(?: out)?",
    r"ends (?:soon|today|tonight)",
    r"while supplies last",
    r"\d+ (?:other )?(?:people|users|customers|travell?ers) (?:are |have )?"
    r"(?:looking|viewing|watching|bought|booked)[^.]{0,40}",
    r"in high demand",
    r"\d{1,2}:\d{2}(?::\d{2})? (?:left|remaining)",
    r"nur noch \d+[^.]{0,30}",
    r"endet (?:in|bald)",
    r"plus que \d+[^.]{0,30}",
    r"solo quedan \d+[^.]{0,30}",
)
"""Scarcity and countdowns."""

FEE = _any_of(
    r"(?:service|booking|handling|processing|convenience|delivery|resort|cleaning|admin(?:istration)?"
    r"|small order|platform|transaction|activation|membership) (?:fee|charge)s?",
    r"surcharges?",
    r"extra (?:fee|charge)s?",
    r"additional (?:fee|charge|cost)s?",
    r"protection plan",
    r"insurance",
    r"tip",
    r"gratuity",
    r"donation",
    r"(?:service|bearbeitungs|buchungs)gebühr",
    r"zuschlag",
    r"frais(?: de [a-zé]{3,20})?",
    r"gastos(?: de [a-zé]{3,20})?",
    r"recargo",
)
"""What is added to a price late."""

TOTAL = _any_of(
    r"(?:sub ?|grand )?total",
    r"amount due",
    r"to pay",
    r"price",
    r"gesamt(?:betrag|summe)?",
    r"summe",
    r"montant",
    r"importe",
)
"""What is paid."""
