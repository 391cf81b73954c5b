"""Which server, and as whom: flags, then the environment, then what `sz login` stored.

Invariants:
1. A key is never taken from the command line, where every process can read it.
2. A stored key goes to the server that it was stored for, and to no other.
3. The file of stored keys is refused if others can read it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from systemzero_client.cli.options import DEFAULT_SERVER
from systemzero_client.cli.problems import Problem
from systemzero_client.cli.remote import Wanted
from systemzero_client.writing import is_private, write_whole
from systemzero_core import apikey

if TYPE_CHECKING:
    from systemzero_client.channel import Tls
    from systemzero_client.client import Client

SERVER_VARIABLE = "SYSTEMZERO_SERVER"
KEY_FILE_VARIABLE = "SYSTEMZERO_API_KEY_FILE"
_TARGET = re.compile(r"^(?:[^\s:/]+|\[[^\s/\]]+\]):[0-9]+$|^(?:unix|unix-abstract|ipv4|ipv6):|/")
_DEFAULT_PROFILE = "default"


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A server and a key for it.

    Attributes:
        server: gRPC target.
        api_key: the secret.
        plaintext: whether to talk to it in the clear though it is another machine.
        ca_file: PEM file of the certificate authorities to trust.
        certificate: PEM file of a certificate to show, read with each command.
        certificate_key: PEM file of its private key.
    """

    server: str
    api_key: str = ""
    plaintext: bool = False
    ca_file: str = ""
    certificate: str = ""
    certificate_key: str = ""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Profile(server={self.server!r})"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    profiles: dict[str, Profile] = {}


def config_path() -> Path:
    """`$XDG_CONFIG_HOME/systemzero/config.json`, below `~/.config` if that is not set."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemzero" / "config.json"


def store(name: str, profile: Profile) -> Path:
    """Keep `profile` under `name` (empty: the default); the file that it is in now."""
    path = config_path()
    file = _load(path)
    file.profiles[name or _DEFAULT_PROFILE] = profile
    write_whole(path, msgspec.json.format(msgspec.json.encode(file)) + b"\n")
    return path


def resolve(wanted: Wanted) -> Profile:
    """The server and key that a command is to use; no key, where a certificate stands for it.

    Raises:
        Problem: there is no key, or none for this server, or it is no server; it says what to do.
    """
    stored = _stored(wanted.profile)
    named = stored if wanted.profile else None
    server = (
        wanted.server
        or (named.server if named else "")
        or os.environ.get(SERVER_VARIABLE, "")
        or (stored.server if stored else DEFAULT_SERVER)
    )
    check_server(server)
    known = stored if stored and stored.server == server else None
    key_file = wanted.api_key_file or ("" if named else os.environ.get(KEY_FILE_VARIABLE, ""))
    if key_file:
        api_key = read_key(Path(key_file))
    elif known:
        api_key = known.api_key
    elif wanted.certificate:
        api_key = ""
    else:
        raise Problem(
            f"no API key for {server}: `sz login {server}` stores one, --api-key-file or "
            f"{KEY_FILE_VARIABLE} names a file"
        )
    return Profile(
        server,
        api_key,
        wanted.plaintext or bool(known and known.plaintext),
        wanted.ca_file or (known.ca_file if known else ""),
        wanted.certificate or (known.certificate if known else ""),
        wanted.certificate_key or (known.certificate_key if known else ""),
    )


def check_server(server: str) -> None:
    """Refuse what is a URL of the web, or a host alone.

    Raises:
        Problem: it says how the server is named.
    """
    scheme, found, _ = server.partition("://")
    if found and scheme.lower() in ("http", "https"):
        raise Problem(f"{server}: name the server as HOST:PORT, without {scheme}://")
    if not _TARGET.search(server):
        port = DEFAULT_SERVER.rpartition(":")[2]
        raise Problem(f"{server!r}: name the server as HOST:PORT, as in {server or 'HOST'}:{port}")


def open_client(profile: Profile, timeout: float) -> Client:
    """A client for `profile`.

    Raises:
        OSError: a file of certificates or keys cannot be read.
        Problem: the key is no key, or half of what a certificate takes is missing.
    """
    from systemzero_client.client import Client

    tls = False if profile.plaintext else _tls(profile)
    try:
        return Client(profile.server, api_key=profile.api_key, tls=tls, timeout=timeout)
    except ValueError as error:
        raise Problem(f"{error}; is the key file the right one?") from None


def _tls(profile: Profile) -> Tls | None:
    from systemzero_client.channel import Tls

    if bool(profile.certificate) != bool(profile.certificate_key):
        raise Problem("--certificate and --certificate-key go together")
    files = (profile.ca_file, profile.certificate, profile.certificate_key)
    if not any(files):
        return None
    ca, certificate, key = (Path(file).read_bytes() if file else None for file in files)
    return Tls(ca, certificate, key)


def read_key(path: Path) -> str:
    """The key in a file.

    Raises:
        OSError: it cannot be read.
        Problem: it holds no key.
    """
    return clean_key(path.read_bytes(), str(path))


def clean_key(data: bytes, origin: str) -> str:
    """The key in `data`, which came from `origin`.

    Raises:
        Problem: it is no key. What it is instead is not repeated: it may be another secret.
    """
    text = data.strip().decode("ascii", "replace")
    if not text or len(text) > 4096 or not text.isprintable() or " " in text or "\ufffd" in text:
        raise Problem(f"{origin} holds no API key: one line, `s0_…`, is expected")
    if text.startswith(apikey.PREFIX) and not apikey.is_well_formed(text):
        raise Problem(f"{origin} holds an API key with a typo, or only a part of one")
    return text


def _stored(name: str) -> Profile | None:
    path = config_path()
    profiles = _load(path).profiles
    if name and name not in profiles:
        raise Problem(f"no profile {name!r} in {path}; `sz login --profile {name}` makes it")
    return profiles.get(name or _DEFAULT_PROFILE)


def _load(path: Path) -> _File:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _File()
    if not is_private(path):
        raise Problem(f"{path} holds keys and others can read it: chmod 600 {path}")
    try:
        return msgspec.json.decode(data, type=_File)
    except msgspec.DecodeError as error:
        raise Problem(f"{path} is damaged ({error}); `sz login` after removing it") from None
