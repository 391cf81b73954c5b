"""Following a table: one reader for each tenant and table feeds every stream of a process."""

from systemzero_storage.following.follower import Follower, Followers
from systemzero_storage.following.notifier import Notifier

__all__ = ["Follower", "Followers", "Notifier"]
