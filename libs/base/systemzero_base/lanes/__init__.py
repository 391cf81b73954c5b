"""Large work in processes of its own: fair between tenants, bounded, and ended at any moment.

A lane is a process that does one piece of work at a time, at a low priority. `dispatch.Lanes` hands
work to lanes; `worker` is what a lane runs; `fair` says whose work is next. See
`docs/design/lanes.md`.

Nothing is imported here: a lane has a package of its own to be small.
"""
