"""Captures of a sign-in page into which somebody typed a password, one of each format."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr


class Planted(NamedTuple):
    """A capture that holds what is typed; `typed` is empty for the page before anybody types."""

    name: str
    data: bytes
    format: str
    dom: bytes | None = None
    frames: tuple[bytes, ...] = ()


def _ax(typed: str) -> bytes:
    def node(key: int, role: str, name: str, children: tuple[int, ...] = (), **more: Any) -> Any:
        parent = {} if key == 1 else {"parentId": str(owners[key])}
        return {
            "nodeId": str(key),
            "role": {"type": "role", "value": role},
            "name": {"type": "computedString", "value": name},
            "childIds": [str(child) for child in children],
            "backendDOMNodeId": key,
            **parent,
            **more,
        }

    owners = {2: 1, 3: 1, 6: 1, 4: 3, 5: 4}
    value = {"value": {"type": "string", "value": typed}} if typed else {}
    nodes = [
        node(1, "RootWebArea", "Sign in", (2, 3, 6)),
        node(2, "heading", "Welcome back"),
        node(3, "textbox", "Access", (4,) if typed else (), **value),
        node(6, "button", "Go"),
    ]
    if typed:
        nodes += [node(4, "StaticText", typed, (5,)), node(5, "InlineTextBox", typed)]
    return json.dumps({"nodes": nodes}).encode()


def _dom_map(typed: str) -> bytes:
    field = {"tag": "INPUT", "attrs": {"type": "password", "value": typed, "id": "access"}}
    return json.dumps({"3": field, "6": {"tag": "BUTTON", "attrs": {}}}).encode()


def _snapshot(typed: str) -> bytes:
    strings = ["#document", "INPUT", "type", "password", "#text", typed, "frame"]
    nodes = {
        "nodeName": [0, 1, 4],
        "parentIndex": [-1, 0, 1],
        "nodeValue": [-1, -1, 5],
        "backendNodeId": [1, 3, 40],
        "attributes": [[], [2, 3], []],
        "inputValue": {"index": [1], "value": [5]},
    }
    layout = {"nodeIndex": [0, 1], "bounds": [[0, 0, 800, 600], [10, 10, 200, 20]]}
    document = {"nodes": nodes, "layout": layout, "frameId": 6}
    return json.dumps({"documents": [document], "strings": strings}).encode()


def _aria(typed: str, name: str = "Passwort") -> bytes:
    value = f": {json.dumps(typed, ensure_ascii=False)}" if typed else ""
    return f'- heading "Welcome back"\n- textbox "{name}"{value}\n- button "Go"\n'.encode()


def _android(typed: str) -> bytes:
    def node(kind: str, text: str, top: int, more: str = "") -> str:
        return (
            f'<node class="android.widget.{kind}" text={quoteattr(text)} {more}'
            f' bounds="[0,{top}][800,{top + 90}]" enabled="true"/>'
        )

    inner = node("TextView", "Welcome back", 0) + node("EditText", typed, 100, 'password="true"')
    head = '<?xml version="1.0" encoding="UTF-8"?><hierarchy rotation="0">'
    return f"{head}{inner}</hierarchy>".encode()


def _ios(typed: str) -> bytes:
    value = f"value={quoteattr(typed)}" if typed else ""
    return (
        '<AppiumAUT><XCUIElementTypeApplication type="XCUIElementTypeApplication" name="Shop"'
        ' x="0" y="0" width="390" height="844"><XCUIElementTypeStaticText label="Welcome back"'
        ' type="XCUIElementTypeStaticText" x="0" y="0" width="90" height="20"/>'
        f'<XCUIElementTypeSecureTextField label="Access" {value}'
        ' type="XCUIElementTypeSecureTextField" x="0" y="40" width="90" height="20"/>'
        "</XCUIElementTypeApplication></AppiumAUT>"
    ).encode()


def _windows(typed: str) -> bytes:
    return (
        '<Window Name="Shop" x="0" y="0" width="900" height="700"><Text Name="Welcome back" x="1"'
        f' y="1" width="90" height="20"/><Edit Name="Access" IsPassword="True" x="1" y="40"'
        f' Value={quoteattr(typed)} width="90" height="20"/></Window>'
    ).encode()


def _atspi(typed: str) -> bytes:
    states = ["enabled", "sensitive", "visible", "showing", "editable"]
    field = {"role": "password text", "name": "Access", "text": typed, "states": states}
    label = {"role": "label", "name": "Welcome back", "states": states[:4]}
    window = {"role": "frame", "name": "Shop", "states": states[:4], "children": [label, field]}
    return json.dumps({"captured": "", "applications": [window]}).encode()


def _own(typed: str) -> bytes:
    field = {"role": "textbox", "name": "Access", "states": ["protected"], "parent": 0}
    nodes = [
        {"role": "document", "name": "Shop"},
        {"role": "heading", "name": "Welcome back", "parent": 0},
        {**field, **({"value": typed} if typed else {})},
    ]
    return json.dumps({"format": "systemzero.tree", "nodes": nodes}).encode()


def _nested(typed: str) -> bytes:
    field: dict[str, Any] = {"role": "textbox", "name": "Access"}
    field["attributes"] = {"type": "password"}
    if typed:
        field |= {
            "value": typed,
            "inputValue": typed,
            "children": [{"role": "text", "name": typed}],
        }
    children = [{"role": "heading", "name": "Welcome back"}, field]
    return json.dumps({"root": {"role": "document", "name": "Shop", "children": children}}).encode()


def captures(typed: str) -> list[Planted]:
    """One capture of each format, with `typed` in its password field."""
    return [
        Planted("cdp-map", _ax(typed), "cdp", _dom_map(typed)),
        Planted("cdp-snapshot", _ax(typed), "cdp", _snapshot(typed)),
        Planted("aria", _aria(typed), "aria"),
        Planted("android", _android(typed), "uiautomator"),
        Planted("ios", _ios(typed), "appium-ios"),
        Planted("windows", _windows(typed), "appium-windows"),
        Planted("atspi", _atspi(typed), "atspi"),
        Planted("own", _own(typed), "tree"),
        Planted("nested", _nested(typed), "tree"),
    ]
