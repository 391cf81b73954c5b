"""Settings of what is redacted of captures: the same for every service that reads any."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from systemzero_base.settings.config import ConfigError, Settings
from systemzero_core.errors import InvalidInput
from systemzero_core.redaction import Rules, Selector


class Selecting(Settings, frozen=True, kw_only=True):
    """Nodes whose text is a secret: all that is set must hold.

    Attributes:
        role: a role, normal or the platform's own; empty for any.
        name: a regular expression found in the name; empty for any.
        attribute: the name of an attribute that the node has; empty for none.
        value: a regular expression found in that attribute; empty for any.
    """

    role: str = ""
    name: str = ""
    attribute: str = ""
    value: str = ""


class Redacting(Settings, frozen=True, kw_only=True):
    """What is redacted of captures, beside what is typed into fields of type password.

    Attributes:
        names: regular expressions: fields with such names hold secrets.
        selectors: further nodes whose text is a secret.
        known_names: whether fields called a password, a PIN, a security code hold secrets, in many
            languages.
        card_numbers: whether numbers of payment cards are redacted, wherever they stand.
    """

    names: tuple[str, ...] = ()
    selectors: tuple[Selecting, ...] = ()
    known_names: bool = True
    card_numbers: bool = True

    def rules(self) -> Rules:
        """Compiled.

        Raises:
            ConfigError: an expression is none.
        """
        selectors = [Selector(s.role, s.name, s.attribute, s.value) for s in self.selectors]
        try:
            return Rules(
                names=self.names,
                selectors=selectors,
                known_names=self.known_names,
                card_numbers=self.card_numbers,
            )
        except InvalidInput as error:
            raise ConfigError(f"redact.{error.message}") from None


class RedactSettings(Redacting, frozen=True, kw_only=True):
    """What is redacted of captures.

    Attributes:
        tenants: something else for some tenants, by tenant id.
    """

    tenants: dict[str, Redacting] = msgspec.field(default_factory=dict)


class RulesByTenant:
    """The compiled rules of every tenant."""

    def __init__(self, settings: RedactSettings) -> None:
        """Compiles them.

        Raises:
            ConfigError: an expression is none.
        """
        self._rules = settings.rules()
        self._tenants = {tenant: own.rules() for tenant, own in settings.tenants.items()}
        self._told = _told(settings)
        self._tenants_told = {tenant: _told(own) for tenant, own in settings.tenants.items()}

    def of(self, tenant: str) -> Rules:
        """What holds for a tenant."""
        return self._tenants.get(tenant, self._rules)

    def told(self, tenant: str) -> bytes:
        """What holds for a tenant, for `rules_of` in another process."""
        return self._tenants_told.get(tenant, self._told)


@lru_cache(maxsize=64)
def rules_of(told: bytes) -> Rules:
    """The rules that `told` stands for, compiled once."""
    return msgspec.json.decode(told, type=Redacting).rules()


def _told(settings: Redacting) -> bytes:
    named = {name: getattr(settings, name) for name in Redacting.__struct_fields__}
    return msgspec.json.encode(Redacting(**named))
