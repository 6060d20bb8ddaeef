"""How the window looks: colours on Tk's own theme ``clam``, fonts that have Chinese, sizes that follow the screen."""

import tkinter
from dataclasses import dataclass, field
from tkinter import font, ttk

__all__ = ["Look"]

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "SimSun",
    "AR PL UMing CN",
    "AR PL UKai CN",
)
INK = "#1b1f24"
SOFT = "#545d68"
BACK = "#f6f7f9"
CARD = "#ffffff"
LINE = "#d3d8de"
MAIN = "#1f5fbf"
MARK = "#ffe08a"


@dataclass(slots=True)
class Look:
    """Colours, fonts and sizes of a window.

    Attributes:
        scale: pixels of the screen for each pixel of an ordinary one (96 to the inch).
        chinese: a family that has Chinese characters; None where none was found.
    """

    scale: float
    chinese: str | None
    _fonts: list[font.Font] = field(default_factory=list)  # a font that nobody holds is taken away from Tk

    @classmethod
    def of(cls, root: tkinter.Tk, scale: float | None = None) -> "Look":
        """Set up the look of a window.

        Args:
            root: the window.
            scale: 2 for twice as large; as the screen's resolution asks unless given.
        """
        if scale is None:
            scale = min(4.0, max(1.0, root.winfo_fpixels("1i") / 96))
        root.tk.call("tk", "scaling", scale * 96 / 72)
        families = set(font.families(root))
        look = cls(scale, next((name for name in CHINESE_FONTS if name in families), None))
        look._set_fonts(root)
        look._set_colours(root)
        return look

    def pixels(self, ordinary: float) -> int:
        """A length in pixels of this screen."""
        return round(ordinary * self.scale)

    def _set_fonts(self, root: tkinter.Tk) -> None:
        for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont", "TkHeadingFont"):
            named = font.nametofont(name, root)
            named.configure(size=10)
            if self.chinese is not None:  # so that both languages have letters of one kind
                named.configure(family=self.chinese)
        family = self.chinese or font.nametofont("TkDefaultFont", root).actual("family")
        for name, size, weight in (("ShowtellCaption", 13, "normal"), ("ShowtellBig", 14, "bold")):
            made = font.Font(root, name=name, family=family, size=size, weight=weight)  # type: ignore[arg-type]
            self._fonts.append(made)

    def _set_colours(self, root: tkinter.Tk) -> None:
        root.configure(background=BACK)
        style = ttk.Style(root)
        style.theme_use("clam")
        pad = self.pixels(6)
        style.configure(
            ".", background=BACK, foreground=INK, bordercolor=LINE, lightcolor=BACK, darkcolor=BACK
        )
        style.configure("TButton", background=CARD, bordercolor=LINE, padding=(self.pixels(10), pad), width=0)
        style.map(
            "TButton",
            background=[("disabled", BACK), ("active", "#e8eef8")],
            bordercolor=[("focus", MAIN)],
            foreground=[("disabled", "#8a929b")],
        )
        style.configure("Main.TButton", background=MAIN, foreground="#ffffff", bordercolor=MAIN)
        style.map("Main.TButton", background=[("active", "#184c99")], foreground=[("disabled", "#e0e0e0")])
        style.configure("TEntry", fieldbackground=CARD, padding=pad, bordercolor=SOFT)
        style.configure(
            "TCombobox", fieldbackground=CARD, padding=pad, arrowsize=self.pixels(14), bordercolor=SOFT
        )
        style.map("TCombobox", fieldbackground=[("readonly", CARD)], foreground=[("readonly", INK)])
        style.configure("Soft.TLabel", foreground=SOFT)
        style.configure("Bad.TLabel", foreground="#a4161a")
        style.configure("Big.TLabel", font="ShowtellBig")
        style.configure("Head.TLabel", font="TkHeadingFont", foreground=SOFT)
        style.configure(
            "Treeview", rowheight=self.pixels(76), background=CARD, fieldbackground=CARD, bordercolor=LINE
        )
        style.map("Treeview", background=[("selected", "#d8e6fb")], foreground=[("selected", INK)])
        style.configure("TProgressbar", background=MAIN, troughcolor=LINE)
