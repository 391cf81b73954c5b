"""What everything stands on: settings, secrets, clock, ids, background work, logs, traces."""

import os

# gRPC reads it as it is imported, hence here: else its core writes a line, in no format of ours,
# for each odd frame that anybody sends.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
