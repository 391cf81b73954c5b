"""CDP's properties in the project's words: what becomes a state, an attribute, or nothing.

Left out are relations to other nodes (`labelledby`, `controls`, `owns`, …), whose ids change from
run to run, and `settable`, which follows from `editable`. What a later protocol adds is kept as an
attribute: it may be all that tells two screens apart.
"""

from __future__ import annotations

from systemzero_core.formats._cdpwire import Property
from systemzero_core.formats._values import text_of

_FLAGS = {
    "busy": "busy",
    "disabled": "disabled",
    "focusable": "focusable",
    "focused": "focused",
    "hidden": "hidden",
    "modal": "modal",
    "multiline": "multiline",
    "multiselectable": "multiselectable",
    "readonly": "readonly",
    "required": "required",
    "selected": "selected",
}
_TRISTATES = {
    "checked": {"true": ("checked",), "false": ("unchecked",), "mixed": ("mixed",)},
    "pressed": {"true": ("pressed",), "false": ("unpressed",), "mixed": ("mixed",)},
    "expanded": {"true": ("expanded",), "false": ("collapsed",)},
}
_ATTRIBUTES = {
    "autocomplete": "autocomplete",
    "hasPopup": "haspopup",
    "keyshortcuts": "keyshortcuts",
    "level": "level",
    "live": "live",
    "orientation": "orientation",
    "roledescription": "roledescription",
    "url": "url",
    "valuemax": "valuemax",
    "valuemin": "valuemin",
    "valuetext": "valuetext",
}
_NOT_READ = frozenset(
    """
    actions activedescendant controls describedby details errormessage flowto hiddenRoot labelledby
    owns relevant root settable
    """.split()  # noqa: SIM905 -- thirteen names are better read as lines
)
_ON = (True, 1, "true")
_MEANS_NONE = frozenset(("", "false", "off", "none"))


def add(properties: tuple[Property, ...], states: list[str], attributes: dict[str, str]) -> None:
    """Put what `properties` say into `states` and `attributes`."""
    for item in properties:
        name, value = item.name, item.value.value
        if name in _FLAGS:
            # Chromium writes some of these as 1 and some as a token.
            if value in _ON:
                states.append(_FLAGS[name])
        elif name in _ATTRIBUTES:
            text = value if isinstance(value, str) else text_of(value)
            if text not in _MEANS_NONE:
                attributes[_ATTRIBUTES[name]] = text
        elif name in _TRISTATES:
            states.extend(_TRISTATES[name].get(text_of(value), ()))
        elif name in _OTHERS:
            _OTHERS[name](text_of(value), states, attributes)
        elif name not in _NOT_READ and text_of(value) not in _MEANS_NONE:
            attributes.setdefault(name, text_of(value))


def _invalid(value: str, states: list[str], attributes: dict[str, str]) -> None:
    if value in _MEANS_NONE:
        return
    states.append("invalid")
    if value != "true":
        attributes["invalid"] = value


def _editable(value: str, states: list[str], attributes: dict[str, str]) -> None:
    states.append("editable")
    if value != "plaintext":
        attributes["editable"] = value


def _atomic(value: str, _states: list[str], attributes: dict[str, str]) -> None:
    if value == "true":
        attributes["atomic"] = value


_OTHERS = {"invalid": _invalid, "editable": _editable, "atomic": _atomic}
