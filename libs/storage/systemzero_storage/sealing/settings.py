"""Settings of encryption at rest: the section `encryption` of capture, diff and standalone."""

from __future__ import annotations

from pathlib import Path

from systemzero_base.settings.config import ConfigError, Settings
from systemzero_storage.sealing.kek import Kek, Keks, load_kek
from systemzero_storage.sealing.transit_settings import TransitSettings


class KekSettings(Settings, frozen=True, kw_only=True):
    """Where a key-encryption key is: one of the two is set.

    Attributes:
        kek_file: file with the 32 bytes of the key; `sz-admin make-kek` makes one.
        transit: a key in the transit engine of OpenBao or Vault, which it never leaves.
    """

    kek_file: Path | None = None
    transit: TransitSettings | None = None


class EncryptionSettings(KekSettings, frozen=True, kw_only=True):
    """Encryption at rest; nothing set: bodies are stored as they are.

    Attributes:
        old: the key-encryption key before this one, accepted until `sz-admin rewrap` ran.
    """

    old: KekSettings | None = None


def load_keks(settings: EncryptionSettings) -> Keks | None:
    """The key-encryption keys of the settings; None if bodies are stored as they are.

    Raises:
        ConfigError: the settings contradict themselves, or a file can't be used.
    """
    current = _kek(settings, "encryption")
    if settings.old is None:
        return None if current is None else Keks(current)
    old = _kek(settings.old, "encryption.old")
    if current is None or old is None:
        missing = "encryption" if current is None else "encryption.old"
        raise ConfigError(f"configuration: {missing}: kek_file or transit is missing")
    return Keks(current, [old])


def check_encryption(settings: EncryptionSettings, data: Path) -> None:
    """Check that the settings can be used, and that no backup of `data` has a KEK in it.

    Raises:
        ConfigError: names the setting and what is wrong with it.
    """
    load_keks(settings)
    for each, field in ((settings, "encryption"), (settings.old, "encryption.old")):
        file = each.kek_file if each else None
        if file and file.resolve().is_relative_to(data.resolve()):
            raise ConfigError(
                f"configuration: {field}.kek_file: {file} is in the data folder, and would be in "
                "its backups beside what it protects: put it elsewhere"
            )


def _kek(settings: KekSettings, field: str) -> Kek | None:
    if settings.kek_file and settings.transit:
        raise ConfigError(f"configuration: {field}: kek_file or transit, not both")
    if settings.transit:
        # here, since most have none: its client is not installed by default
        from systemzero_storage.sealing.transit import TransitKek

        return TransitKek.of(settings.transit, f"{field}.transit")
    return load_kek(settings.kek_file, f"{field}.kek_file") if settings.kek_file else None
