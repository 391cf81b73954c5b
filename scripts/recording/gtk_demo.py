#!/usr/bin/python3
"""A small GTK 3 program to record from: a list of stock, and a form for one item.

`gtk_demo.py list` or `gtk_demo.py edit`; it ends when its window is closed.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk  # noqa: E402 - the version comes first

ITEMS = (
    ("Box, small", 1840, True),
    ("Glass sign", 12, False),
    ("Label roll", 96, True),
    ("Scale", 3, False),
    ("Tape, brown", 240, True),
)


def menu_bar() -> Gtk.MenuBar:
    """Two menus; their entries are in the tree although they are closed."""
    bar = Gtk.MenuBar()
    for title, entries in (("File", ("New item", "Export", "Quit")), ("Help", ("About",))):
        top, menu = Gtk.MenuItem(label=title), Gtk.Menu()
        for entry in entries:
            menu.append(Gtk.MenuItem(label=entry))
        top.set_submenu(menu)
        bar.append(top)
    return bar


def stock_list() -> Gtk.Box:
    """A table with a search field above it."""
    rows = Gtk.ListStore(str, int, bool)
    for item in ITEMS:
        rows.append(item)
    table = Gtk.TreeView(model=rows)
    table.append_column(Gtk.TreeViewColumn("Item", Gtk.CellRendererText(), text=0))
    table.append_column(Gtk.TreeViewColumn("Pieces", Gtk.CellRendererText(), text=1))
    table.append_column(Gtk.TreeViewColumn("On sale", Gtk.CellRendererToggle(), active=2))
    table.get_accessible().set_name("Stock")
    search = Gtk.SearchEntry(placeholder_text="Find an item")
    page = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, margin=12)
    page.pack_start(search, False, False, 0)
    page.pack_start(table, True, True, 0)
    return page


def edit_form() -> Gtk.Grid:
    """One field of each kind, and two buttons."""
    grid = Gtk.Grid(row_spacing=6, column_spacing=12, margin=12)
    shelf = Gtk.ComboBoxText()
    for code in ("A-01", "B-01", "C-01"):
        shelf.append_text(code)
    shelf.set_active(2)
    fields = (
        ("Name", Gtk.Entry(text="Glass sign")),
        ("Pieces", Gtk.SpinButton.new_with_range(0, 10_000, 1)),
        ("Shelf", shelf),
        ("Unlock code", Gtk.Entry(text="never read", visibility=False)),
        ("Fill level", Gtk.LevelBar(value=0.4)),
    )
    for row, (title, field) in enumerate(fields):
        label = Gtk.Label(label=title, xalign=0)
        label.set_mnemonic_widget(field)
        grid.attach(label, 0, row, 1, 1)
        grid.attach(field, 1, row, 1, 1)
    fields[1][1].set_value(12)
    grid.attach(Gtk.CheckButton(label="On sale"), 1, 5, 1, 1)
    grid.attach(Gtk.CheckButton(label="Fragile", active=True), 1, 6, 1, 1)
    grid.attach(Gtk.Button(label="Delete", sensitive=False), 0, 7, 1, 1)
    grid.attach(Gtk.Button(label="Save"), 1, 7, 1, 1)
    return grid


def main() -> None:
    """Show the window on the page that the command line names."""
    GLib.set_prgname("stock-desk")
    book = Gtk.Notebook()
    book.append_page(stock_list(), Gtk.Label(label="List"))
    book.append_page(edit_form(), Gtk.Label(label="Edit"))
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
    box.pack_start(menu_bar(), False, False, 0)
    box.pack_start(book, True, True, 0)
    window = Gtk.Window(title="Stock desk", default_width=640, default_height=440)
    window.add(box)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    book.set_current_page(("list", "edit").index(sys.argv[1]))
    Gtk.main()


if __name__ == "__main__":
    main()
