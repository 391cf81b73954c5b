#!/bin/sh
# Run once by the postgres image, over an empty data folder: the role that services connect with.
# What it may do with the tables, `sz-admin migrate --role sz_service` says.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
    --set password="$(cat "$SERVICE_PASSWORD_FILE")" <<'SQL'
CREATE ROLE sz_service LOGIN PASSWORD :'password';
SQL
