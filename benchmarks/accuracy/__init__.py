"""How often the answer is right, on labelled captures: `python -m benchmarks.accuracy DIR… --json`.

Without DIR, the corpus is the recorded captures of tests/data. `benchmarks._corpus` says how one is
laid out. Of several, each is judged by itself and all are counted together.

Every capture goes the whole way: parsed, judged complete or not, normalised, signed, matched,
diffed, judged. For a pair, the template is learnt from the first capture alone and stands among
templates of every screen of its release; the second capture is checked with the screen as hint, as
a client that knows where it is would send it. Screens are identified without a hint.

Rows, each for the whole corpus and as `NAME/APP`, in percent:

- `reload_alarm_rate`: of `benign:reload` pairs, those with an event of severity warning or worse.
- `reload_alarm_rate_of_two`: the same, learnt from both captures of the pair and checked with each.
- `reload_alarm_rate_unseen`: of screens with three and more reloads of one release, each checked by
  what the others (two or more) taught.
- `data_alarm_rate`: of the other `benign:` pairs (another page of a list, sorted, filtered, other
  records), those with such an event; learnt from the first capture alone.
- `data_alarm_rate_of_two`: the same, learnt from both captures and checked with each.
- `resize_alarm_rate`: of `benign:resized` pairs, those with such an event.
- `identical_alarm_rate`: the same of all pairs whose role and name sequences are identical.
- `drift_detection_rate`: of `version-drift` pairs with a differing role and name entry, those
  whose verdict is DRIFT.
- `screen_identification`: of each capture of a release against the templates of every screen of
  every app, its own app's at each earlier release in turn, the share whose right screen ranks
  first.
- `inconclusive_rate`: of all captures, those judged INCONCLUSIVE.

An INCONCLUSIVE capture gets no other verdict, so neither it nor a pair with it counts in the other
rows; `undecided_pair_rate` is the share of such pairs.

Rows beside those say more and are asked nothing of: `reload_event_rate`, `data_event_rate`,
`resize_event_rate` and `identical_event_rate` (an event of any severity), `unreadable_rate` (a
typed error), `recognised_rate` (the right screen first and taken for it), `neighbour_match_rate`
(the screen's own template taken out: another screen of the app is taken for it),
`neighbour_overlay_rate` (the same, but the verdict tells apart what came over that screen) and
`foreign_match_rate` (all of its app's taken out).
"""
