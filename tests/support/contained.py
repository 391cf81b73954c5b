"""Runs a command as a container would: `unshare --mount python contained.py SPECIFICATION`.

SPECIFICATION is JSON: `root` (a mounted image), `volumes` (folders by where they go), `env`, `cwd`,
`user` (`uid:gid`) and `argv`. The root is read-only, but for the volumes; the user has neither
capabilities nor a way to get any. The command takes the place of this process, so that signals and
status are its own. The network and the process table are those of the machine.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys

_PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Mount, give up everything, run."""
    given = json.loads(sys.argv[1])
    root = given["root"]
    _mount("--bind", root, root)
    for inside, outside in given["volumes"].items():
        _mount("--bind", outside, root + inside)
    _mount("-o", "remount,bind,ro", root, root)
    _mount("--bind", "/dev", root + "/dev")
    _mount("-t", "proc", "proc", root + "/proc")
    os.chroot(root)
    os.chdir(given["cwd"])
    uid, gid = map(int, given["user"].split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.execvpe(given["argv"][0], given["argv"], given["env"])  # noqa: S606 - it becomes it


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main()
