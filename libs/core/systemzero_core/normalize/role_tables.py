"""The tables behind `roles`: data only. `docs/design/normal-form.md` lists them, held by a test."""

from __future__ import annotations

import re
from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of `text` as a set."""
    return frozenset(text.split())


def _table(text: str) -> dict[str, str]:
    """Entries `normal: own, own, …`, each of which may run over lines, as own -> normal."""
    table: dict[str, str] = {}
    for normal, owns in re.findall(r"([a-z]+):([^:]+)(?=\s[a-z]+:|$)", text):
        table.update((" ".join(own.split()), normal) for own in owns.split(","))
    return table


ARIA_ROLES: Final = words("""
    alert alertdialog application article banner blockquote button caption cell checkbox code
    columnheader combobox comment complementary contentinfo definition deletion dialog directory
    document emphasis feed figure form generic grid gridcell group heading img insertion link list
    listbox listitem log main mark marquee math menu menubar menuitem menuitemcheckbox
    menuitemradio meter navigation note option paragraph progressbar radio radiogroup region row
    rowgroup rowheader scrollbar search searchbox sectionfooter sectionheader separator slider
    spinbutton status strong subscript suggestion superscript switch tab table tablist tabpanel
    term textbox time timer toolbar tooltip tree treegrid treeitem
    graphics-document graphics-object graphics-symbol
    doc-abstract doc-acknowledgments doc-afterword doc-appendix doc-backlink doc-biblioentry
    doc-bibliography doc-biblioref doc-chapter doc-colophon doc-conclusion doc-cover doc-credit
    doc-credits doc-dedication doc-endnote doc-endnotes doc-epigraph doc-epilogue doc-errata
    doc-example doc-footnote doc-foreword doc-glossary doc-glossref doc-index doc-introduction
    doc-noteref doc-notice doc-pagebreak doc-pagefooter doc-pageheader doc-pagelist doc-part
    doc-preface doc-prologue doc-pullquote doc-qna doc-subtitle doc-tip doc-toc
""")
"""WAI-ARIA 1.2 and 1.3, Graphics-ARIA and DPUB-ARIA names that stand as they are."""

EXTENSION_ROLES: Final = words("audio iframe inlinetext linebreak listmarker text video window")
"""Names ARIA has no concrete role for, kept because a screen is not told without them (or, for
inlinetext, linebreak and listmarker, because a filter is named for them)."""

PLATFORM_ROLES: Final = _table("""
    document: RootWebArea, WebArea, PdfRoot, Document, hierarchy, displays, AppiumAUT, document web,
        document frame, document text, document email, document presentation, document
        spreadsheet, html container
    text: StaticText, Text, static, label, accelerator label
    inlinetext: InlineTextBox
    linebreak: LineBreak
    listmarker: ListMarker
    generic: none, presentation, Presentational, Ignored, Unknown, unknown, invalid,
        GenericContainer, LabelText, Legend, LayoutTable, LayoutTableRow, LayoutTableCell, Ruby,
        RubyAnnotation, Abbr, MathMLIdentifier, MathMLOperator, MathMLNumber, MathMLText,
        MathMLStringLiteral, MathMLRow, RootElement, Pane, Custom, TitleBar, Thumb,
        SemanticZoom, panel, filler, scroll pane, split pane, layered pane, root pane, glass
        pane, internal frame, option pane, viewport, redundant object, section, desktop icon,
        extended, unspecified, drawing area, ruler, edit bar, autocomplete, embedded, display
    iframe: Iframe, IframePresentational, WebView, FencedFrame
    window: Window, frame, desktop frame
    application: Desktop, desktop
    img: image, Image, Canvas, SvgRoot, ImageMap, canvas, icon, Icon, animation, picture, chart
    video: Video
    audio: Audio
    group: DescriptionList, Details, Group, grouping, panel group, MathMLFraction, MathMLSqrt,
        MathMLRoot, MathMLSub, MathMLSup, MathMLSubSup, MathMLUnder, MathMLOver,
        MathMLUnderOver, MathMLMultiscripts, MathMLTable, MathMLTableRow, MathMLTableCell,
        EmbeddedObject, PluginObject, description list, media, color chooser, font chooser, date
        editor, input method window
    math: MathMLMath, math fraction, math root
    listbox: MenuListPopup, ListBox, list box
    option: MenuListOption, ListBoxOption
    button: DisclosureTriangle, DisclosureTriangleGrouped, PopUpButton, ToggleButton, Button,
        SplitButton, push button, toggle button, push button menu, toggleButton, popUpButton,
        arrow
    combobox: ComboBoxGrouping, ComboBoxMenuButton, ComboBoxSelect, TextFieldWithComboBox,
        ComboBox, combo box, editable combo box
    textbox: TextField, Edit, entry, password text, text field, editable text, TextBox,
        terminal, paragraph entry
    searchbox: SearchBox
    textbox: InputTime, Date, DateTime, ColorWell
    heading: Heading
    term: DescriptionListTerm, description term
    definition: DescriptionListDetail, description value
    caption: Figcaption, FigureCaption, Caption
    code: Pre, Code
    mark: Mark
    time: Time
    figure: Figure
    sectionfooter: Footer, SectionFooter, footer, FooterAsNonLandmark
    sectionheader: header, page header, HeaderAsNonLandmark, SectionHeader
    progressbar: ProgressIndicator, ProgressBar, progress bar, progress, spinner
    scrollbar: ScrollBar, scroll bar
    slider: Slider, dial, level slider
    meter: Meter, level bar, rating
    spinbutton: SpinButton, Spinner, spin button, SpinBox
    link: Link, Hyperlink, hyperlink
    list: List
    listitem: ListItem, list item
    row: TableRow, DataItem, table row
    rowgroup: Header, RowGroup, TableHeaderContainer
    columnheader: HeaderItem, table column header, column header, Column
    rowheader: table row header, row header
    cell: table cell, Cell
    table: Table
    grid: DataGrid, Grid, calendar, Calendar
    tree: Tree
    treeitem: TreeItem, tree item
    treegrid: tree table, TreeGrid
    tab: TabItem, page tab, Tab item
    tablist: Tab, page tab list, TabList
    tabpanel: TabPanel, tab panel
    menu: Menu, popup menu
    menubar: MenuBar, menu bar
    menuitem: MenuItem, menu item, tear off menu item, MenuListItem
    menuitemcheckbox: MenuItemCheckBox, check menu item
    menuitemradio: MenuItemRadio, radio menu item
    radio: RadioButton, radio button
    checkbox: CheckBox, check box
    switch: Switch
    separator: Separator, Splitter
    status: StatusBar, SystemBar, status bar, statusbar, info bar
    toolbar: ToolBar, AppBar, tool bar
    tooltip: ToolTip, tool tip
    alert: Alert, notification
    alertdialog: AlertDialog
    dialog: Dialog, file chooser, Flyout
    blockquote: Blockquote, block quote
    comment: Comment
    deletion: content deletion, ContentDeletion
    insertion: content insertion, ContentInsertion
    superscript: Superscript
    subscript: Subscript
    contentinfo: ContentInfo
    banner: Banner
    navigation: Navigation
    region: Region, landmark
""")
"""Roles of Chromium (CDP), AT-SPI and Windows UI Automation, by exact word."""

IOS_TYPES: Final = _table("""
    application: Application
    generic: Any, Other, Window, ScrollView, SplitGroup, Matte, Handle, LayoutArea, LayoutItem,
        TouchBar, Ruler, RulerMarker, Drawer
    group: Group, Keyboard, Picker, DatePicker, SegmentedControl, Stepper, Map, Timeline, Browser
    dialog: Sheet, Dialog, Popover
    alertdialog: Alert
    button: Button, DisclosureTriangle, MenuButton, ToolbarButton, Key, IncrementArrow,
        DecrementArrow, ColorWell, DockItem
    radio: RadioButton
    radiogroup: RadioGroup
    checkbox: CheckBox
    switch: Switch, Toggle
    combobox: PopUpButton, ComboBox
    navigation: NavigationBar
    tablist: TabBar, TabGroup
    tab: Tab
    toolbar: Toolbar
    status: StatusBar
    list: Table, CollectionView
    listitem: Cell
    row: TableRow
    columnheader: TableColumn
    tree: Outline
    treeitem: OutlineRow
    grid: Grid
    slider: Slider, RatingIndicator
    meter: ValueIndicator, RelevanceIndicator, LevelIndicator
    progressbar: ProgressIndicator, ActivityIndicator
    spinbutton: PickerWheel
    link: Link
    img: Image, Icon
    text: StaticText
    textbox: TextField, SecureTextField, TextView
    searchbox: SearchField
    scrollbar: ScrollBar, PageIndicator
    separator: Splitter
    menu: Menu
    menubar: MenuBar
    menuitem: MenuItem, MenuBarItem, StatusItem
    document: WebView
    tooltip: HelpTag
""")
"""XCUIElementType… without its prefix. What iOS calls a table of cells is a list of items."""

ANDROID_CLASSES: Final = _table("""
    button: Button, ImageButton, ToggleButton, ImageSwitcher, ZoomButton, Chip,
        FloatingActionButton, Key
    text: TextView, TextClock, DigitalClock
    textbox: EditText, AutoCompleteTextView, MultiAutoCompleteTextView, TextInputEditText
    searchbox: SearchAutoComplete
    checkbox: CheckBox, CheckedTextView, CompoundButton
    switch: Switch, SwitchCompat
    radio: RadioButton
    radiogroup: RadioGroup
    combobox: Spinner
    slider: SeekBar, RatingBar, AbsSeekBar, Slider, RangeSlider
    progressbar: ProgressBar
    img: ImageView, SvgView, QuickContactBadge
    document: WebView
    video: VideoView
    list: ListView, RecyclerView, ExpandableListView, AbsListView
    grid: GridView
    menu: IconMenuView, ExpandedMenuView, MenuDropDownListView
    menuitem: ListMenuItemView, IconMenuItemView, ActionMenuItemView, NavigationMenuItemView
    alert: Toast, SnackbarLayout
    tab: Tab, TabView, BottomNavigationItemView, NavigationBarItemView, NavigationRailItemView
    tablist: TabWidget, TabLayout
    toolbar: Toolbar, ActionBar
    navigation: BottomNavigationView, NavigationView, NavigationRailView, NavigationBarView
    search: SearchView
    timer: Chronometer
    spinbutton: NumberPicker, SpinButton
    group: DatePicker, TimePicker, CalendarView
    dialog: Dialog, AlertDialog
""")
"""Last segments of Android class names, digits at the end taken off."""

ANDROID_SUFFIXES: Final = (
    ("EditText", "textbox"),
    ("AutoCompleteTextView", "textbox"),
    ("CheckedTextView", "checkbox"),
    ("ImageButton", "button"),
    ("RadioButton", "radio"),
    ("Button", "button"),
    ("TextView", "text"),
    ("ImageView", "img"),
    ("CheckBox", "checkbox"),
    ("Switch", "switch"),
    ("SwitchCompat", "switch"),
    ("SwitchMaterial", "switch"),
    ("SeekBar", "slider"),
    ("RatingBar", "slider"),
    ("ProgressBar", "progressbar"),
    ("ProgressIndicator", "progressbar"),
    ("Spinner", "combobox"),
    ("WebView", "document"),
    ("RecyclerView", "list"),
    ("ListView", "list"),
    ("GridView", "grid"),
    ("Toolbar", "toolbar"),
    ("TabLayout", "tablist"),
    ("TabView", "tab"),
    ("MenuItemView", "menuitem"),
    ("ScrollBar", "scrollbar"),
    ("FastScroller", "scrollbar"),
    ("PageIndicator", "scrollbar"),
    ("PagerIndicator", "scrollbar"),
    ("Dialog", "dialog"),
)
"""Endings of custom class names, tried in this order when the class itself is unknown."""
