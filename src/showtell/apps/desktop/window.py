"""The window: pictures on the left, the one that is chosen on the right; everything slow happens elsewhere.

::

    Window ── Listing ──── pictures, thumbnails
       │  ─── Describing ─ pictures that wait for the service
       │  ─── Chosen ───── the picture, a CaptionPane for each language
       │  ─── Opinions ─── what the buttons of a pane do
       └───── Searching ── answers in place of the user's pictures
"""

import locale
import re
import tkinter
from collections.abc import Callable, Iterable
from pathlib import Path
from tkinter import filedialog, ttk
from typing import TYPE_CHECKING, Any

from showtell.apps.desktop.chosen import Chosen
from showtell.apps.desktop.describing import AT_ONCE, Describing
from showtell.apps.desktop.listing import Listing, Picture
from showtell.apps.desktop.look import Look
from showtell.apps.desktop.opinions import Opinions
from showtell.apps.desktop.searching import Searching
from showtell.apps.desktop.settings import Settings, settings_path
from showtell.apps.desktop.texts import Texts
from showtell.apps.desktop.work import Work
from showtell.images.extensions import EXTENSIONS

if TYPE_CHECKING:
    from showtell.apps.service import Service

__all__ = ["Window", "new_root"]

FIRST_SIZE = (1100, 760)


def new_root() -> tkinter.Tk:
    """A window's root: one that takes what is dropped, where tkinterdnd2 is installed and works."""
    try:
        from tkinterdnd2 import TkinterDnD

        root: tkinter.Tk = TkinterDnD.Tk()
    except (ImportError, RuntimeError):
        root = tkinter.Tk()
    return root


class Window:
    """One window."""

    def __init__(
        self,
        root: tkinter.Tk,
        open_service: "Callable[[str | None], Service]",
        *,
        settings: Settings | None = None,
        scale: float | None = None,
    ) -> None:
        """Build the window; the service is opened behind it.

        Args:
            root: from `new_root`.
            open_service: called in a thread with the folder of a library or None.
            settings: what is remembered; read from the user's file unless given.
            scale: 2 for everything twice as large; as the screen asks unless given.
        """
        self.root = root
        self.settings = Settings.read(settings_path()) if settings is None else settings
        self.look = Look.of(root, scale)
        self.texts = Texts(self.settings.language or _system_language())
        self.work = Work(root, threads=AT_ONCE + 2)
        self.service: Service | None = None
        self.opinions = Opinions(self)
        self.searching = Searching(self)
        self.tools: dict[str, ttk.Button] = {}
        self._open_service = open_service
        self._build()
        self.translate()
        self._load(self.settings.library)

    # --- what there is ---

    def _build(self) -> None:
        root, pixels = self.root, self.look.pixels
        root.title("Showtell")
        screen = root.winfo_screenwidth(), root.winfo_screenheight()
        root.minsize(min(pixels(640), screen[0]), min(pixels(480), screen[1]))
        width, height = (min(pixels(side), most) for side, most in zip(FIRST_SIZE, screen, strict=True))
        root.geometry(_geometry(self.settings.geometry, screen) or f"{width}x{height}")
        root.protocol("WM_DELETE_WINDOW", self.close)
        self._build_tools()
        self._build_status()
        self.sides = ttk.PanedWindow(root, orient="horizontal")
        self.sides.pack(fill="both", expand=True, padx=pixels(10), pady=pixels(4))
        self.listing = Listing(self.sides, self.look, self.work, self._choose)
        self.listing.may_show = self._may_show
        self.describing = Describing(self.listing, self.work, self.texts, self._progressed)
        self.chosen = Chosen(self.sides, self.listing, self.look, self.texts, self.work, self.fail)
        self.sides.add(self.listing.frame, weight=2)
        self.sides.add(self.chosen.frame, weight=3)
        self.sides.bind("<Configure>", self._divide)
        root.bind_class("TButton", "<Return>", _press)
        root.bind("<Control-o>", lambda event: self.ask_pictures())
        root.bind("<Control-z>", self._undo_key)
        root.bind("<Escape>", lambda event: self.stop())
        self._accept_drops()

    def _divide(self, event: "tkinter.Event[Any]") -> None:
        """Give each side its share of the room, once; then the user may move the border."""
        if event.width > 10:
            self.sides.unbind("<Configure>")
            self.root.after_idle(self._set_border, round(0.42 * event.width))

    def _set_border(self, place: int) -> None:
        self.sides.sashpos(0, place)  # type: ignore[no-untyped-call]

    def _build_tools(self) -> None:
        pixels = self.look.pixels
        bar = ttk.Frame(self.root, padding=(pixels(10), pixels(8)))
        bar.pack(fill="x")
        for name, do in (
            ("open", self.ask_pictures),
            ("folder", self.ask_folder),
            ("library", self.ask_library),
        ):
            style = "Main.TButton" if name == "open" else "TButton"
            self.tools[name] = ttk.Button(bar, command=do, style=style)
            self.tools[name].pack(side="left", padx=(0, pixels(6)))
        self.tools["other_language"] = ttk.Button(bar, command=self.switch_language)
        self.tools["other_language"].pack(side="right")
        self.tools["search"] = ttk.Button(bar, command=self.searching.search)
        self.tools["search"].pack(side="right", padx=pixels(6))
        self.query = ttk.Entry(bar, width=16)
        self.query.bind("<Return>", lambda event: self.searching.search())
        self.query.pack(side="right", fill="x", expand=True)
        self.answer_bar = ttk.Frame(self.root, padding=(pixels(10), 0))
        for name, do in (("back", self.searching.back), ("alike", self.searching.alike)):
            self.tools[name] = ttk.Button(self.answer_bar, command=do)
            self.tools[name].pack(side="left", padx=(0, pixels(6)))
        self.tools["anyway"] = ttk.Button(self.answer_bar, command=lambda: self.searching.search(anyway=True))
        self.without = ttk.Entry(self.answer_bar, width=16)
        self.without.bind("<Return>", lambda event: self.searching.search())
        self.without.pack(side="right")
        self.without_label = ttk.Label(self.answer_bar)
        self.without_label.pack(side="right", padx=pixels(6))

    def _build_status(self) -> None:
        pixels = self.look.pixels
        bar = ttk.Frame(self.root, padding=(pixels(10), pixels(4)))
        bar.pack(side="bottom", fill="x")
        self.tools["undo"] = ttk.Button(bar, command=self.opinions.undo, state="disabled")
        self.tools["undo"].pack(side="right")
        self.tools["model"] = ttk.Button(bar, command=self.show_card)
        self.tools["model"].pack(side="right", padx=pixels(6))
        self.tools["stop"] = ttk.Button(bar, command=self.stop)
        self.progress = ttk.Progressbar(bar, length=pixels(160))
        self.status = ttk.Label(bar)
        self.status.pack(side="left", fill="x", expand=True)

    def _accept_drops(self) -> None:
        """Take what is dropped, where that is possible."""
        register: Any = getattr(self.root, "drop_target_register", None)
        self.drops = register is not None
        if self.drops:
            register("DND_Files")
            bind: Any = self.root.dnd_bind  # type: ignore[attr-defined]
            bind("<<Drop>>", lambda event: self.open(map(Path, self.root.tk.splitlist(event.data))))

    def translate(self) -> None:
        """Say everything in the language that is chosen."""
        for name, button in self.tools.items():
            button.configure(text=self.texts(name))
        self.without_label.configure(text=self.texts("without"))
        also = "\n" + self.texts("drop") if self.drops else ""
        self.chosen.empty.configure(text=self.texts("empty") + also)
        self.listing.tree.heading("#0", text=self.texts("picture"), anchor="w")
        self.listing.tree.heading("caption", text=self.texts("caption"), anchor="w")
        self.chosen.translate()

    def switch_language(self) -> None:
        """Speak the other language."""
        self.texts.switch()
        self.translate()
        no_letters = self.texts.language == "zh" and self.look.chinese is None
        self.show_status("no_font" if no_letters else "ready" if self.service else "loading")

    def show_status(self, key: str, **values: object) -> None:
        """Tell the user something in the line at the bottom."""
        self.status.configure(text=self.texts(key, **values))

    def fail(self, error: Exception) -> None:
        """Tell the user what went wrong."""
        self.status.configure(text=" ".join(str(error).split()) or type(error).__name__)

    # --- the service ---

    def _load(self, library: str, trouble: Exception | None = None) -> None:
        """Open the service with a library, or with none; `trouble` is what is told of one that was tried before."""
        self.show_status("loading")
        self.work.start(
            lambda: self._open_service(library or None),
            lambda service: self._loaded(service, library, trouble),
            lambda error: self._not_loaded(error, library),
        )

    def _not_loaded(self, error: Exception, library: str) -> None:
        if library and self.service is None:  # a library that is gone is no reason not to start
            self._load("", error)
        else:
            self.fail(error)

    def _loaded(self, service: "Service", library: str, trouble: Exception | None) -> None:
        self.settings.library = library
        old, self.service = self.service, service
        if old is not None:
            self.work.start(old.close, lambda done: None, self.fail)
        self.describing.service = self.chosen.service = service
        self.chosen.set_languages(service.captioner.languages, self.opinions)
        if trouble is None:
            self.show_status("ready")
        else:
            self.fail(trouble)
        self.searching.offer()
        self.listing.look()
        self.chosen.refresh()
        self.describing.go_on()

    def _may_show(self, picture: Picture) -> bool:
        """Whether it is known if a picture is fit to be shown."""
        screens = self.service is None or self.service.screener is not None
        return not screens or picture.described is not None or picture.preview is not None

    # --- opening and describing ---

    def ask_pictures(self) -> None:
        """Let the user choose pictures."""
        kinds = [
            (self.texts("pictures"), " ".join(f"*{end} *{end.upper()}" for end in sorted(EXTENSIONS))),
            (self.texts("all_files"), "*"),
        ]
        folder = self.settings.folder or None
        named = filedialog.askopenfilenames(parent=self.root, filetypes=kinds, initialdir=folder)
        self.open(map(Path, named))

    def ask_folder(self) -> None:
        """Let the user choose a folder."""
        named = filedialog.askdirectory(parent=self.root, initialdir=self.settings.folder or None)
        if named:
            self.open([Path(named)])

    def ask_library(self) -> None:
        """Let the user choose a library."""
        named = filedialog.askdirectory(parent=self.root, initialdir=self.settings.library or None)
        if named:
            self._load(named)

    def open(self, paths: Iterable[Path]) -> None:
        """List pictures and the pictures of folders, and describe them."""
        paths = list(paths)
        if not paths:
            return
        self.searching.back()
        self.settings.folder = str(paths[0] if paths[0].is_dir() else paths[0].parent)
        self.work.start(
            lambda: list(_pictures(paths)), lambda found: self._opened(paths[0], found), self.fail
        )

    def _opened(self, first: Path, found: list[Path]) -> None:
        if not found:
            self.show_status("none", folder=first)
            return
        keys = [self.listing.add(Picture(path, line=self.texts("waiting"))) for path in found]
        self.describing.add(keys)
        if self.listing.chosen is None:
            self.listing.choose(keys[0])

    def _choose(self, key: str, picture: Picture) -> None:
        if key == self.chosen.key:
            return
        self.chosen.show(key, picture)
        if picture.error is not None:
            self.status.configure(text=picture.error)
        elif picture.described is None:
            self.describing.first(key)

    def _progressed(self, key: str | None) -> None:
        """Show what has become of a picture, or how far the describing is."""
        if key is not None:
            if key == self.chosen.key:
                self.chosen.refresh()
                picture = self.chosen.picture
                if picture is not None and picture.error is not None:
                    self.status.configure(text=picture.error)
            return
        done, total = self.describing.done, self.describing.total
        if (total or self.describing.stopped) and not self.searching.lists_answers:
            state = "stopped" if self.describing.stopped else "progress"
            self.show_status(state if self.service else "loading", done=done, total=total)
        if self.describing.busy:
            self.progress.configure(maximum=total, value=done)
            self.progress.pack(side="right", padx=self.look.pixels(6))
            self.tools["stop"].pack(side="right", padx=self.look.pixels(6))
        else:
            self.progress.pack_forget()
            self.tools["stop"].pack_forget()

    def stop(self) -> None:
        """Describe no more pictures."""
        if self.describing.busy:
            self.describing.stop()

    def _undo_key(self, event: "tkinter.Event[Any]") -> None:
        if not isinstance(event.widget, tkinter.Text):  # which has an undo of its own
            self.opinions.undo()

    def show_card(self) -> None:
        """Show what the model learnt from, what it reaches and where it fails."""
        if self.service is None:
            return
        health = self.service.health()
        top = tkinter.Toplevel(self.root)
        top.title(f"{self.texts('model')}: {health.model} {health.version}")
        text = tkinter.Text(top, wrap="word", width=90, height=30, font="TkTextFont", relief="flat")
        text.insert("1.0", self.service.card() or f"{health.model} {health.version}")
        text.configure(state="disabled")
        bar = ttk.Scrollbar(top, command=text.yview)
        text.configure(yscrollcommand=bar.set)
        bar.pack(side="right", fill="y")
        text.pack(fill="both", expand=True)
        top.bind("<Escape>", lambda event: top.destroy())
        text.focus_set()

    # --- the end ---

    def close(self) -> None:
        """Remember what is to be remembered, and end."""
        self.settings.geometry = self.root.geometry()
        self.settings.language = self.texts.language
        self.settings.write(settings_path())
        self.work.close()
        service, self.service = self.service, None
        self.root.destroy()
        if service is not None:
            service.close()


def _geometry(remembered: str, screen: tuple[int, int]) -> str:
    """A size and place that was remembered, if it can be seen on this screen; its size alone if not."""
    found = re.fullmatch(r"(\d+)x(\d+)\+(-?\d+)\+(-?\d+)", remembered)
    if found is None:
        return ""
    width, height, left, top = map(int, found.groups())
    size = f"{min(width, screen[0])}x{min(height, screen[1])}"
    seen = -width // 2 < left < screen[0] - 100 and -20 < top < screen[1] - 100
    return f"{size}+{left}+{top}" if seen else size


def _press(event: "tkinter.Event[Any]") -> None:
    """Press the button that has the keyboard."""
    if isinstance(event.widget, ttk.Button):
        event.widget.invoke()


def _pictures(paths: Iterable[Path]) -> Iterable[Path]:
    """The pictures that are named, and those in the folders that are named, in order of their names."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for one in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in one.relative_to(path).parts)
            if one.suffix.lower() in EXTENSIONS and not hidden and one.is_file():
                yield one


def _system_language() -> str:
    """The language that the system speaks, as far as the window knows it."""
    named = locale.getlocale()[0] or ""
    return "zh" if named.startswith(("zh", "Chinese")) else "en"
