"""Client certificates: X.509-SVIDs of SPIFFE, and whom the configuration lets them stand for.

What the transport has checked: the chain up to `tls.client_ca`, the times, that the client has the
key. What is checked here is what makes a certificate an SVID:
https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md, sections 2, 4 and 5.

Invariants:
1. A certificate has exactly one URI among its names, a SPIFFE id with a path, and signs no others.
2. An id without an entry stands for nobody; of several that fit, the exact one counts, else the
   longest prefix. A prefix ends at a `/`: `…/ci/*` is no `…/citadel/robot`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from cryptography import x509

from systemzero_base.internal.identity import Principal
from systemzero_base.settings.config import Settings
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import Role, granted, permissions_of
from systemzero_gateway.store import TenantStore
from systemzero_runtime.interceptors.chain import Context

_WILDCARD: Final = "/*"
_TRUST_DOMAIN: Final = r"spiffe://[a-z0-9._-]{1,255}"
_SEGMENT: Final = r"/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+"
_ID: Final = re.compile(rf"{_TRUST_DOMAIN}(?:{_SEGMENT})+", re.ASCII)
_PREFIX: Final = re.compile(rf"{_TRUST_DOMAIN}(?:{_SEGMENT})*", re.ASCII)
_MAX_ID_CHARACTERS: Final = 2_048


class ClientCertificate(Settings, frozen=True):
    """Whom client certificates stand for.

    `id` is a SPIFFE id, or all below one: `spiffe://example.org/ci/*`. `principal` is who acts,
    where nothing is set the SPIFFE id; `scopes` leave some of the role's permissions.
    """

    id: str
    tenant: str
    role: Role
    scopes: tuple[str, ...] = ()
    principal: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no SPIFFE id, and scopes that are none of the role's.

        Raises:
            ValueError: says which it is.
        """
        prefix = self.id.removesuffix(_WILDCARD)
        form = _ID if prefix == self.id else _PREFIX
        if len(self.id) > _MAX_ID_CHARACTERS or form.fullmatch(prefix) is None:
            raise ValueError(f"{self.id!r:.200} is no SPIFFE id with a path, nor a prefix of some")
        foreign = sorted(set(self.scopes) - permissions_of(self.tenant, self.role))
        if foreign:
            raise ValueError(f"{foreign[0]} is not a permission of the role in the tenant")


class _Svid(NamedTuple):
    spiffe_id: str
    expire_time: int


class CertificateCallers:
    """Callers by their certificates."""

    def __init__(self, clients: Sequence[ClientCertificate], store: TenantStore) -> None:
        self._by_id = {client.id: client for client in clients}
        self._store = store

    async def caller(self, certificate: bytes) -> Caller | None:
        """Whom a PEM certificate that the transport has verified stands for; None for nobody.

        Raises:
            Unavailable: the store does not answer.
        """
        svid = _read(certificate)
        client = None if svid is None else self._entry(svid.spiffe_id)
        if svid is None or client is None:
            return None
        tenant = await self._store.vouched(client.tenant)
        if tenant is None or tenant.suspend_time is not None:
            return None
        name = client.principal or svid.spiffe_id
        return Caller(
            Principal(client.tenant, name, tenant.quotas.storage),
            granted(client.tenant, client.role, client.scopes),
            svid.expire_time,
            has_key=False,
            quotas=tenant.quotas,
        )

    def _entry(self, spiffe_id: str) -> ClientCertificate | None:
        prefix = spiffe_id
        found = self._by_id.get(spiffe_id)
        while found is None and prefix.count("/") > 2:
            prefix = prefix.rpartition("/")[0]
            found = self._by_id.get(prefix + _WILDCARD)
        return found


def both(certificate: Caller | None, bearer: Caller | None) -> Caller | None:
    """Who calls with a certificate and a bearer credential: the bearer, with what both may do.

    Nobody, unless both are good and of the same tenant.
    """
    if certificate is None or bearer is None:
        return None
    if certificate.principal.tenant != bearer.principal.tenant:
        return None
    return msgspec.structs.replace(
        bearer,
        permissions=certificate.permissions & bearer.permissions,
        certificate_expire_time=certificate.expire_time,
    )


def certificate_of(context: Context) -> bytes:
    """The PEM certificate that the peer of a call has shown; empty where it has shown none."""
    found: Any = context.auth_context().get("x509_pem_cert", ())
    return bytes(found[0]) if len(found) == 1 else b""


def _read(pem: bytes) -> _Svid | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        ids = names.get_values_for_type(x509.UniformResourceIdentifier)
        signs = _signs_others(certificate.extensions)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    if signs or len(ids) != 1 or len(ids[0]) > _MAX_ID_CHARACTERS or not _ID.fullmatch(ids[0]):
        return None
    return _Svid(ids[0], int(certificate.not_valid_after_utc.timestamp()) * 1_000_000)


def _signs_others(extensions: x509.Extensions) -> bool:
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return True
        if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
            return True
    return False
