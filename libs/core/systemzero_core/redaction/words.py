"""What fields for secrets are called, in several languages, and what platforms say of them.

A name is looked for without regard to case. What is spelt out is found inside of other words (the
id `userPassword`); what is short stands by itself ("PIN", not "pinned").
"""

from __future__ import annotations

import re
from typing import Final

_ANYWHERE: Final = (
    *("pass[ _-]?word", "pass[ _-]?phrase", "pass[ _-]?code", "passwd", "one[ -]time", "cc-csc"),
    *("security[ _-]?code", "secret[ _-]?key", "api[ _-]?key", "access[ _-]?token"),
    *("verification[ _-]?code", "card[ _-]?number", "social[ _-]security", "client[ _-]?secret"),
    *("passwort", "kennwort", "losungswort", "geheimzahl", "prüfziffer", "kartennummer"),
    *("mot[ _-]de[ _-]passe", "code[ _-]secret", "code[ _-]confidentiel", "numéro de carte"),
    *("contrase[nñ]a", "clave[ _-](?:secreta|de[ _-]acceso)", "c[oó]digo[ _-]de[ _-]segur"),
    *("senha", "palavra[ _-]passe", "parola[ _-]d.ordine", "codice[ _-]segreto", "has[lł]o"),
    *("wachtwoord", "toegangscode", "pincode", "l[oö]senord", "passord", "adgangskode"),
    *("salasana", "lykilor[dð]", "heslo", "geslo", "lozinka", "zaporka", "jelsz[oó]", "parola"),
    *("parol[aăe]", "парол", "лозинка", "κωδικ[οό]ς πρ[οό]σβασης", "συνθηματικ", "slapta[zž]od"),
    *("[sş]ifre", "mật khẩu", "kata[ _-]sandi", "katalaluan", "รหัสผ่าน", "पासवर्ड", "סיסמ"),
    *("كلمة (?:المرور|السر)", "رمز عبور", "گذرواژه", "密码", "密碼", "口令", "パスワード"),
    *("暗証番号", "비밀번호", "암호"),
)
_ALONE: Final = (
    "csc",
    "cvc",
    "cvc2",
    "cvn",
    "cvv",
    "cvv2",
    "otp",
    "pin",
    "psk",
    "puk",
    "pwd",
    "ssn",
)
_LETTER: Final = "A-Za-z"

NAMES: Final = re.compile(
    f"{'|'.join(_ANYWHERE)}|(?<![{_LETTER}])(?:{'|'.join(_ALONE)})(?![{_LETTER}0-9])",
    re.IGNORECASE,
)
"""The name of a field whose value is a secret."""

KINDS: Final = re.compile(r"pass[ _-]?word|secure ?text", re.IGNORECASE)
"""A role or class of fields that hide what is typed: AT-SPI's `password text`, a `PasswordBox`."""

STATES: Final = frozenset(("password", "protected"))
AUTOCOMPLETE: Final = frozenset(
    ("cc-csc", "cc-number", "current-password", "new-password", "one-time-code")
)
LABELS: Final = (
    *("placeholder", "id", "name", "title", "label", "resource-id", "automation-id"),
    *("autocomplete", "aria-label", "data-testid"),
)
"""The attributes that name a field, beside its own name."""
VALUES: Final = frozenset(
    """
    ariavaluetext content currentvalue defaultvalue innertext inputvalue nodevalue rawvalue
    selectedtext text textcontent textvalue value valuetext
    """.split()  # noqa: SIM905 -- as in `formats._cdpdom`
)
"""The attributes of a field, written small and without dashes, that repeat what is typed."""

MASKED: Final = re.compile("[•●∙⚫⬤▪◦○·]+|\\*{2,}")
"""What is shown in a secret's place: only its length is told, and that is not kept either."""
