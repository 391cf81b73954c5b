"""Tokens: the good one, and the attacks of RFC 8725."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from systemzero_core.errors import Unauthenticated
from systemzero_gateway.credentials.signing import SigningKey
from systemzero_gateway.credentials.tokens import MAX_CHARACTERS, TokenIssuer, TokenVerifier

NOW = 1_000_000.0
KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()
KID = OKPKey.import_key(KEY).thumbprint()


class OneKey:
    """Keys that never change; test_signing.py of the integration tests has those that do."""

    def current(self) -> SigningKey:
        return SigningKey(KID, OKPKey.import_key(KEY), 0)

    def find(self, kid: str) -> OKPKey:
        return {KID: OKPKey.import_key(KEY.public_key())}[kid]

    async def load(self) -> None:
        """Nothing changes."""


ISSUER = TokenIssuer(OneKey(), "gateway", "systemzero", lambda: NOW)


def verifier(
    now: float = NOW, issuer: str = "gateway", audience: str = "systemzero"
) -> TokenVerifier:
    return TokenVerifier(OneKey(), issuer, audience, lambda: now)


def token(lifetime: int = 600) -> str:
    return ISSUER.issue("key_1", "acme", "viewer", ["event_read"], lifetime)[0]


def encoded(value: Any) -> str:
    return b64(msgspec.json.encode(value))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HEADER = {"alg": "Ed25519", "typ": "at+jwt", "kid": KID}
CLAIMS = msgspec.to_builtins(ISSUER.issue("key_1", "acme", "viewer", ["event_read"], 600)[1])


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any = KEY) -> str:
    text = f"{encoded(header)}.{encoded(claims)}"
    return f"{text}.{b64(key.sign(text.encode()))}"


def test_a_token_says_whose_it_is_and_what_it_may() -> None:
    claims = verifier().verify(token())
    assert (claims.sub, claims.tenant, claims.role) == ("key_1", "acme", "viewer")
    assert claims.scopes == ("event_read",)
    assert claims.exp - claims.iat == 600
    assert claims.jti.startswith("tok_")
    assert verifier().verify(signed(HEADER, CLAIMS)).sub == "key_1"


@pytest.mark.parametrize(
    "reading",
    [
        verifier(now=NOW + 600),
        verifier(now=NOW - 6),
        verifier(issuer="another"),
        verifier(audience="another"),
    ],
    ids=["expired", "from the future", "another issuer", "another audience"],
)
def test_a_token_out_of_place_or_time_is_refused(reading: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        reading.verify(token())


def test_clocks_may_differ_a_little_at_the_start_and_not_at_the_end() -> None:
    assert verifier(now=NOW - 4).verify(token())
    assert verifier(now=NOW + 599).verify(token())


def hmac_with_public_key(encoding: Encoding, form: PublicFormat) -> str:
    public = KEY.public_key().public_bytes(encoding, form)
    text = f"{encoded(HEADER | {'alg': 'HS256'})}.{encoded(CLAIMS)}"
    return f"{text}.{b64(hmac.digest(public, text.encode(), hashlib.sha256))}"


def with_key_of_its_own(name: str, value: Any) -> str:
    return signed(HEADER | {name: value}, CLAIMS, OTHER)


def of_other_algorithm(algorithm: str) -> str:
    keys: dict[str, Any] = {
        "ES256": ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
        "RS256": RSAKey.import_key(rsa.generate_private_key(65_537, 2_048)),
    }
    return jwt.encode(HEADER | {"alg": algorithm}, CLAIMS, keys[algorithm], [algorithm])


def without(name: str) -> str:
    return signed(HEADER, {key: value for key, value in CLAIMS.items() if key != name})


JWK = OKPKey.import_key(OTHER.public_key()).as_dict()
ATTACKS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "dots": lambda: "..",
    "two parts": lambda: ".".join(token().split(".")[:2]),
    "four parts": lambda: f"{token()}.AAAA",
    "no JSON": lambda: f"{b64(b'no json')}.{encoded(CLAIMS)}.{b64(b'x' * 64)}",
    "not base64": lambda: "!!!.???.***",
    "not ASCII": lambda: "\u00e4.\u00f6.\u00fc",
    "alg none": lambda: f"{encoded(HEADER | {'alg': 'none'})}.{encoded(CLAIMS)}.",
    "alg None": lambda: f"{encoded(HEADER | {'alg': 'NoNe'})}.{encoded(CLAIMS)}.",
    "alg missing": lambda: signed({"typ": "at+jwt", "kid": KID}, CLAIMS),
    "HMAC with the PEM": lambda: hmac_with_public_key(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ),
    "HMAC with the raw key": lambda: hmac_with_public_key(Encoding.Raw, PublicFormat.Raw),
    "ES256": lambda: of_other_algorithm("ES256"),
    "RS256": lambda: of_other_algorithm("RS256"),
    "EdDSA, the name given up": lambda: signed(HEADER | {"alg": "EdDSA"}, CLAIMS),
    "another key": lambda: signed(HEADER, CLAIMS, OTHER),
    "no kid": lambda: signed({"alg": "Ed25519", "typ": "at+jwt"}, CLAIMS),
    "unknown kid": lambda: signed(HEADER | {"kid": "other"}, CLAIMS),
    "kid as a path": lambda: signed(HEADER | {"kid": "../../dev/null"}, CLAIMS, OTHER),
    "kid as SQL": lambda: signed(HEADER | {"kid": "' OR 1=1 --"}, CLAIMS, OTHER),
    "kid as a list": lambda: signed(HEADER | {"kid": [KID]}, CLAIMS),
    "jwk": lambda: with_key_of_its_own("jwk", JWK),
    "jku": lambda: with_key_of_its_own("jku", "https://example.org/keys"),
    "x5u": lambda: with_key_of_its_own("x5u", "https://example.org/cert"),
    "x5c": lambda: with_key_of_its_own("x5c", ["MIIB"]),
    "jwk beside a good signature": lambda: signed(HEADER | {"jwk": JWK}, CLAIMS),
    "crit": lambda: signed(HEADER | {"crit": ["exp"]}, CLAIMS),
    "zip": lambda: signed(HEADER | {"zip": "DEF"}, CLAIMS),
    "cty, a token in a token": lambda: signed(HEADER | {"cty": "JWT"}, CLAIMS),
    "encrypted (JWE)": lambda: ".".join([encoded(HEADER | {"enc": "A256GCM"}), *["AAAA"] * 4]),
    "JSON serialization": lambda: msgspec.json.encode(
        {"payload": encoded(CLAIMS), "protected": encoded(HEADER), "signature": "AAAA"}
    ).decode(),
    "kid of the public key itself": lambda: signed(HEADER | {"kid": JWK["x"]}, CLAIMS),
    "b64 false": lambda: signed(HEADER | {"b64": False, "crit": ["b64"]}, CLAIMS),
    "another typ": lambda: signed(HEADER | {"typ": "JWT"}, CLAIMS),
    "signature cut": lambda: token()[:-4],
    "signature of others": lambda: token().rpartition(".")[0] + "." + b64(b"\0" * 64),
    "claims changed": lambda: ".".join(
        (token().split(".")[0], encoded(CLAIMS | {"tenant": "other"}), token().split(".")[2])
    ),
    "claims no object": lambda: signed(HEADER, [CLAIMS]),  # type: ignore[arg-type]
    "claim of another type": lambda: signed(HEADER, CLAIMS | {"exp": "9999999999"}),
    "exp infinite": lambda: signed(HEADER, CLAIMS | {"exp": 1e400}),
    "a life too long": lambda: signed(HEADER, CLAIMS | {"exp": int(NOW) + 3_601}),
    "aud a list": lambda: signed(HEADER, CLAIMS | {"aud": ["systemzero"]}),
    "one claim more": lambda: signed(HEADER, CLAIMS | {"admin": True}),
    **{f"no {name}": partial(without, name) for name in CLAIMS},
    "too long": lambda: signed(HEADER, CLAIMS | {"jti": "x" * MAX_CHARACTERS}),
    "header nested deep": lambda: f"{b64(b'[' * 2_900)}.{encoded(CLAIMS)}.",
    "kid nested deep": lambda: b64(b'{"kid":' + b"[" * 2_800) + ".e30.",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_with_one_answer(name: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verifier().verify(ATTACKS[name]())
    assert caught.value.message == "the token is not accepted"
    assert caught.value.metadata == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PART = st.text(max_size=60) | st.binary(max_size=60).map(b64) | JSON.map(encoded)
FIELDS = st.dictionaries(st.sampled_from([*HEADER, *CLAIMS, "crit", "jwk", "b64"]), JSON)


def refused_alone(text: str) -> None:
    """A text that is no token is refused, and nothing else is raised."""
    with pytest.raises(Unauthenticated):
        verifier().verify(text)


@given(st.lists(PART, max_size=6))
def test_whatever_comes_is_refused_and_nothing_else(parts: list[str]) -> None:
    refused_alone(".".join(parts))


@given(FIELDS.filter(bool), st.booleans())
def test_no_other_header_passes_whoever_signs(fields: dict[str, Any], own: bool) -> None:
    if HEADER | fields != HEADER:
        refused_alone(signed(HEADER | fields, CLAIMS, KEY if own else OTHER))


@given(FIELDS.filter(bool))
def test_a_claim_of_another_type_is_refused_though_we_signed_it(fields: dict[str, Any]) -> None:
    foreign = {name: value for name, value in fields.items() if name not in CLAIMS}
    end = fields.get("exp")
    end = "later" if isinstance(end, int | float) else end
    refused_alone(signed(HEADER, CLAIMS | foreign | {"exp": end}))


@given(st.integers(0, len(token()) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_refused(position: int, character: str) -> None:
    good = token()
    changed = good[:position] + character + good[position + 1 :]
    last = position in (good.index("."), len(good) - 1) or good[position + 1 : position + 2] == "."
    if changed != good and not last:  # a part's last character has bits that nobody reads
        refused_alone(changed)
