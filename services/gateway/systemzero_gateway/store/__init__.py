"""Where keys, tenants and signing keys are kept."""

from systemzero_gateway.store.endings import Endings
from systemzero_gateway.store.macs import RowMacs
from systemzero_gateway.store.protocol import Credential, KeyRecord, KeyStore
from systemzero_gateway.store.signing import SqlSigningKeyStore
from systemzero_gateway.store.sql import SqlKeyStore
from systemzero_gateway.store.tables import AUDIT, METADATA, SCHEMA, SCHEMA_VERSION
from systemzero_gateway.store.tenants import SqlTenantStore, TenantRecord, TenantStore

__all__ = [
    "AUDIT",
    "METADATA",
    "SCHEMA",
    "SCHEMA_VERSION",
    "Credential",
    "Endings",
    "KeyRecord",
    "KeyStore",
    "RowMacs",
    "SqlKeyStore",
    "SqlSigningKeyStore",
    "SqlTenantStore",
    "TenantRecord",
    "TenantStore",
]
