"""Texts, patterns and broken documents of the kinds that interpreters have read differently.

Live values beside each other, at both ends of a text, between letters of many scripts, in words
that end like a unit; characters that Unicode has come to know only lately.
"""

from __future__ import annotations

from typing import Final

TEXTS: Final = (
    "5 minutes ago",
    "5 months ago, 3 mos, 2 hours",
    "1,234,567 views, 12%",
    "1,234,5678 and 1'234'567.89 and 12 345 678",
    "took 7.395ms, 3 s and 5 ms, 1h30m, in 2 days",
    "a few seconds ago, just now, one hour ago, 5 minx, 5 m\u00fcx",
    "3 \u00b5s, 3 \u03bcs, 4\u00a0min",
    "Sunday, 22 November 2026, 3:04 PM",
    "Nov 5, 2026 and Nov 2026, 22-Nov-2026, 1st May, May",
    "2026-11-22T08:50:44.025314+01:00, 22.11.2026, 22/11/26, 1/2/345",
    "12:30:455, 12:30Z, 3.04 p.m., 12:345, 1:23:45.678 UTC",
    "Total 1.234,50 \u20ac, $9.99, US$ 5, 12 z\u0142, 5 kr, -3 EUR, $1,2345, 5\u20acx",
    "550e8400-e29b-41d4-a716-446655440000, 550e8400-e29b-41d4-a716-446655440000f",
    "me@example.com. you@mail.example.co.uk, @x, a@b",
    "https://example.com/a?b=1 mailto:x@y.zz, tel:+49301234",
    "Shop API 1.4.0, v1.4.0, OAS3, 192.168.0.1, H1, 1.2k, -5, x-5, 5-6, +1e10, 1e5x",
    "\u0663 \u062f\u0642\u0627\u0626\u0642, \u0661\u0662:\u0663\u0660, \u0967\u0968 items",
    "caf\u00e95, 5caf\u00e9, \u00e9 5, \u4e94 5 \u4e94, 5\u4eba, \u00bd, 5\u00b2",
    "\u212a 5 \u017fec, 5 \u017f, 3 \u212a",
    # Digits and letters of Unicode 15, 16 and 17, and a mark that they order
    "\U00011f53 items, 5\U00011f53, \U0001ccf5 min, \U00011f02 5, 5 \U00011f02",
    "\U00010d54 \U00010d70 5 min, 5\U00010d70",
    "\U0001e030 5\U0001e030 5 \U0001fae8",
    "e\u0301\U00010efd E\U00010efd\u0301, \U00016d63\U00016d67, \u1e9b\u0323 \u0f73\u0f74",
    "\u200bA \u00ad\u2003B\ufeff, \u0130stanbul, STRASSE \u1e9e, \ufb01n",
    "",
    "1" * 41,
    "1 " * 60,
)
"""Cut into pieces by shape."""

PATTERNS: Final = {
    "took {duration}": ("took 3 s", "took ages", "took 3 sx", "took 5 months", "took 3 s "),
    "{count} items": ("1.5 items", "1,234,567 items", "12 items", "\u0663 items", "items"),
    "{date} {time}": ("2026-11-22 10:00", "2026-11-22 10:005", "Nov 5, 2026 3:04 PM"),
    "{date}T{time}": ("2026-11-22T08:50:44.025314", "2026-11-22T8", "T"),
    "Total {money}": ("Total 1.234,50 \u20ac", "Total $9", "total $9", "Total 9"),
    "{number}{any}": ("12abc", "abc", "-1.5e3", "\U00011f53"),
    "{any}{number}x{any}y": ("a1x2y", "1xy", "xy", "11x11xyy", "1x\ny"),
    "{count}{count}": ("12", "1"),
    "{any} of {count}": ("1 of 2 of 3", " of 3", "of 3"),
    "\u00dc {uuid}": ("\u00dc 550e8400-e29b-41d4-a716-446655440000", "\u00fc 1"),
    "{email}": ("me@example.com", "me@example.com.", "ME@EXAMPLE.COM", "\u017f@b.com"),
    "{url}": ("https://example.com", "HTTP:x", "http: x", "http:"),
}
"""A pattern, and texts that keep to it or do not."""

_XML: Final = b"<?xml version='1.0'?><hierarchy rotation='0'>%b</hierarchy>"

MALFORMED: Final = {
    "nothing": b"",
    "text": b"hello",
    "xml with a bare ampersand": _XML % b"<node class='a' text='a & b'/>",
    "xml with a mismatched tag": _XML % b"<node class='a'></edon>",
    "xml that ends early": (_XML % b"<node class='a'/>")[:-5],
    "xml that ends in a tag": b"<hierarchy rotation='0'><node class='a' te",
    "xml with a control character": _XML % b"<node class='a' text='\x01'/>",
    "xml with two attributes of one name": _XML % b"<node class='a' class='b'/>",
    "xml with a doctype": b"<!DOCTYPE a><hierarchy/>",
    "xml with an unknown entity": _XML % b"<node class='a' text='&x;'/>",
    "xml with text behind it": _XML % b"" + b"x",
    "xml with bounds in new digits": _XML
    % "<node class='a' bounds='[0,0][\U00011f53,1]'/>".encode(),
    "xml with a new letter in a name": "<node\U00010d70 class='a'/>".encode(),
    "json that ends early": b'{"nodes": [{"nodeId": "1", "role": {"value": "Root',
    "json with a bad escape": b'{"nodes": [{"nodeId": "\\x"}]}',
    "json with a control character": b'{"nodes": [{"nodeId": "\x01"}]}',
    "json with a comma too many": b'{"nodes": [1,]}',
    "json that is deep": b'{"nodes": ' + b"[" * 2_000,
    "json of another kind": b'{"nodes": 5}',
    "json with a new character": '{"nodes": "\U0001fae8"}'.encode(),
    "aria with a bad line": b"- button \"a\n- link 'b",
    "aria with a new character": '- button "\U0001fae8": \U0001fae8\n  - \U0001fae8 ['.encode(),
}
"""Documents that no format reads, or that two releases of a parser might tell apart."""
