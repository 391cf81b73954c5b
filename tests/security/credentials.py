"""Credentials to attack with: forged by whoever has the public keys, or good once and over now.

Those that only the gateway could have made (a wrong audience, an expiry in the past) are signed
with its own key, unsealed from its database: nothing but the check that is meant stands in the way.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero_base.ids import new_id
from systemzero_gateway.access.policy import PLATFORM_TENANT, Role, permissions_of
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.signing import Schedule, SigningKey, SigningKeys
from systemzero_gateway.store import SCHEMA, KeyRecord, RowMacs, SqlKeyStore, SqlSigningKeyStore
from systemzero_storage.database import DatabaseSettings, open_database
from tests.support.exposed import RIVAL, Exposed, Metadata, bearer

ISSUER, AUDIENCE = "systemzero-gateway", "systemzero"
SECOND = 1_000_000
DAY = 86_400


@dataclass
class Credentials:
    """`bad` by what is wrong with them; `keys` by tenant, role and the scope that is missing."""

    bad: dict[str, Metadata] = field(default_factory=dict)
    roles: dict[tuple[str, str], Metadata] = field(default_factory=dict)
    without: dict[tuple[str, str], Metadata] = field(default_factory=dict)
    only: dict[tuple[str, str], Metadata] = field(default_factory=dict)
    good_token: str = ""


def make_credentials(house: Exposed) -> Credentials:
    made = Credentials()
    with house.services(house.own_key) as services:
        answer = services.auth.IssueToken(auth_pb.IssueTokenRequest())
        made.good_token = answer.token
        made.bad |= _headers(house, answer.token)
        made.bad |= _revoked(services, house)
    made.bad["key of a suspended tenant"] = _suspended(house)
    made.bad |= _tokens(made.good_token, asyncio.run(_into_the_store(house, made)))
    return made


def _suspended(house: Exposed) -> Metadata:
    with house.services(house.platform_key) as services:
        created = services.tenants.CreateTenant(tenant_pb.CreateTenantRequest(tenant_id="gone"))
        services.tenants.SuspendTenant(tenant_pb.SuspendTenantRequest(tenant_id="gone"))
    return bearer(created.secret)


def _headers(house: Exposed, token: str) -> dict[str, Metadata]:
    key = house.own_key
    good = f"Bearer {key}"
    return {
        "none": (),
        "empty": (("authorization", ""),),
        "scheme alone": (("authorization", "Bearer "),),
        "no scheme": (("authorization", key),),
        "other scheme": (("authorization", f"Basic {key}"),),
        "two of them": (("authorization", good), ("authorization", good)),
        "two different": (("authorization", good), ("authorization", f"Bearer {token}")),
        "comma": (("authorization", f"{good}, {good}"),),
        "other header": (("x-api-key", key), ("cookie", f"authorization={key}")),
        "proxy header": (("proxy-authorization", good), ("x-forwarded-authorization", good)),
        "binary header": (("authorization-bin", good.encode()),),
        "internal header": (("sz-identity", token), ("sz-tenant", "default")),
        "malformed key": bearer("s0_live_x"),
        "typo in a key": bearer(key[:-1] + ("0" if key[-1] != "0" else "1")),
        "key in other case": bearer(key.swapcase()),
        "unknown key": bearer(apikey.new_secret()),
        "unknown platform key": bearer(apikey.new_secret(apikey.Kind.PLATFORM)),
        "wide": bearer("s0_live_" + "0" * 5_000),
        "sql": bearer("' OR 1=1 --"),
    }


def _revoked(services: Any, house: Exposed) -> dict[str, Metadata]:
    request = auth_pb.CreateApiKeyRequest(
        api_key=auth_pb.ApiKey(name="to be revoked", role=auth_pb.ROLE_ADMIN)
    )
    key = services.auth.CreateApiKey(request)
    with house.services(key.secret) as of_key:
        orphan = of_key.auth.IssueToken(auth_pb.IssueTokenRequest()).token
    single = services.auth.IssueToken(auth_pb.IssueTokenRequest())
    services.auth.RevokeToken(auth_pb.RevokeTokenRequest(token_id=single.token_id))
    services.auth.RevokeApiKey(auth_pb.RevokeApiKeyRequest(key_id=key.api_key.key_id))
    return {
        "revoked key": bearer(key.secret),
        "token of a revoked key": bearer(orphan),
        "revoked token": bearer(single.token),
    }


async def _into_the_store(house: Exposed, made: Credentials) -> SigningKey:
    """Put keys into the gateway's store, and take its signing key out of it."""
    data = house.data / "gateway"
    pepper = (data / "pepper.key").read_bytes()
    database = open_database(data, SCHEMA, DatabaseSettings())
    store = SqlKeyStore(database, RowMacs(pepper))

    async def add(tenant: str, role: Role, scopes: Any = (), expire: int | None = None) -> Metadata:
        key = KeyRecord(new_id("key"), tenant, "a", role, tuple(scopes), _now(), expire)
        secret = apikey.new_secret(apikey.kind_of(tenant))
        await store.add_key(key, apikey.digest(pepper, secret))
        return bearer(secret)

    made.bad["expired key"] = await add("default", Role.ADMIN, (), _now() - SECOND)
    for tenant in ("default", PLATFORM_TENANT):
        for role in Role:
            made.roles[tenant, role] = await add(tenant, role)
        held = permissions_of(tenant, Role.ADMIN)
        for scope in held:
            made.without[tenant, scope] = await add(tenant, Role.ADMIN, held - {scope})
            made.only[tenant, scope] = await add(tenant, Role.ADMIN, {scope})
    signing = SigningKeys(
        SqlSigningKeyStore(database), pepper, Schedule(DAY * SECOND, DAY * SECOND // 4), _now
    )
    await signing.load()
    await database.close()
    return signing.current()


def _now() -> int:
    return time.time_ns() // 1_000


def _tokens(good: str, key: SigningKey) -> dict[str, Metadata]:
    """Variations of `good`, signed anew with the gateway's own key unless they are about that."""
    header, claims, signature = good.split(".")
    head, body = _open(header), _open(claims)
    assert (body["iss"], body["aud"], head["alg"]) == (ISSUER, AUDIENCE, "Ed25519")
    private = Ed25519PrivateKey.from_private_bytes(_unb64(str(key.jwk.as_dict(private=True)["d"])))
    public = private.public_key()
    other = Ed25519PrivateKey.generate()

    def sign(by: Any = private, *, without: str = "", head: Any = head, **changed: Any) -> str:
        said = {name: value for name, value in {**body, **changed}.items() if name != without}
        return _signed(head, said, by.sign)

    def headed(**changed: Any) -> str:
        return sign(head={**head, **changed})

    assert sign() == good  # so that each of the others is refused for its own reason
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    now = int(time.time())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": _b64(_raw(other))}
    jwk["kid"] = "mine"
    own = {**head, "kid": "mine"}
    tokens = {
        "signature cut off": f"{header}.{claims}.",
        "no signature": f"{header}.{claims}",
        "signature of another": f"{sign(other, tenant=RIVAL).rpartition('.')[0]}.{signature}",
        "signed by another key": sign(other),
        "wrong audience": sign(aud="other"),
        "several audiences": sign(aud=[AUDIENCE, "other"]),
        "wrong issuer": sign(iss="https://evil.example"),
        "expired": sign(iat=now - 700, nbf=now - 700, exp=now - 100),
        "not yet valid": sign(nbf=now + 300),
        "issued in the future": sign(iat=now + 300, nbf=now + 300, exp=now + 600),
        "lives too long": sign(exp=now + DAY),
        "never expires": sign(without="exp"),
        "no subject": sign(without="sub"),
        "no id": sign(without="jti"),
        "one claim more": sign(admin=True),
        "key of another tenant": sign(tenant=RIVAL),
        "tenant of the platform": sign(tenant=PLATFORM_TENANT),
        "unknown subject": sign(sub=new_id("key")),
        "exp as text": sign(exp=str(now + 300)),
        "exp not a number": sign(exp=float("inf")),
        "no typ": sign(head={k: v for k, v in head.items() if k != "typ"}),
        "typ JWT": headed(typ="JWT"),
        "alg EdDSA": headed(alg="EdDSA"),
        "no kid": sign(head={k: v for k, v in head.items() if k != "kid"}),
        "unknown kid": headed(kid="A" * 43),
        "kid as a path": headed(kid="../../../../dev/null"),
        "kid as SQL": headed(kid="' UNION SELECT 'x"),
        "jku": headed(jku="http://127.0.0.1:1/jwks"),
        "x5u": headed(x5u="http://127.0.0.1:1/x"),
        "x5c": headed(x5c=["MA=="]),
        "jwk": _signed({**own, "jwk": jwk}, body, other.sign),
        "jwk with our kid": _signed({**head, "jwk": jwk}, body, other.sign),
        "crit": headed(crit=["exp"]),
        "b64": headed(b64=False, crit=["b64"]),
        "zip": headed(zip="DEF"),
        "cty": headed(cty="JWT"),
        "five parts": good + ".x.y",
        "JSON form": json.dumps({"protected": header, "payload": claims, "signature": signature}),
        "padded": f"{header}==.{claims}.{signature}",
        "too long": sign(jti="t" * 5_000),
        "deep": _b64(b"[" * 2_000) + "." + claims + "." + signature,
    }
    for alg in ("none", "None", "NONE", "nOnE", ""):
        tokens[f"alg {alg!r}"] = f"{_b64(json.dumps({**head, 'alg': alg}).encode())}.{claims}."
    for name, secret in (("raw", raw), ("PEM", pem), ("x", _b64(raw).encode()), ("", b"")):
        hs = {**head, "alg": "HS256"}
        tokens[f"HMAC with the public key, {name}"] = _signed(hs, body, _hmac(secret))
    tokens["ES256 with a key of mine"] = _signed({**head, "alg": "ES256"}, body, _ecdsa())
    return {f"token: {name}": bearer(token) for name, token in tokens.items()}


def _signed(header: Any, claims: Any, sign: Any) -> str:
    form = {"separators": (",", ":")}
    parts = [_b64(json.dumps(part, **form).encode()) for part in (header, claims)]  # type: ignore[arg-type]
    text = ".".join(parts)
    return f"{text}.{_b64(sign(text.encode()))}"


def _hmac(secret: bytes) -> Any:
    return lambda message: hmac.digest(secret, message, "sha256")


def _ecdsa() -> Any:
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(message: bytes) -> bytes:
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def _raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _open(part: str) -> Any:
    return json.loads(_unb64(part))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
