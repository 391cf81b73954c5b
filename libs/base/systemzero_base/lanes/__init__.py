"""Large work in processes of its own: fair between tenants, bounded, and ended at any moment.

A lane is a process that does one piece of work at a time, at a low priority. `dispatch.Lanes` has
work done in lanes; `scheduler` says which lane does what, `fair` whose work is next; `worker` is
what a lane runs. See `docs/design/lanes.md`.

Nothing is imported here: a lane has a package of its own to be small.
"""
