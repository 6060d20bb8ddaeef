"""What the window says, in English and Chinese."""

__all__ = ["LANGUAGES", "TEXTS", "Texts"]

LANGUAGES = ("en", "zh")

TEXTS: dict[str, tuple[str, str]] = {
    "open": ("Open pictures …", "打开图片……"),
    "folder": ("Open a folder …", "打开文件夹……"),
    "library": ("Library …", "图库……"),
    "other_language": ("中文", "English"),
    "search": ("Search", "搜索"),
    "search_hint": ("Search needs a library: choose one with “Library …”", "搜索需要图库：请点“图库……”"),
    "stop": ("Stop", "停止"),
    "undo": ("Undo", "撤销"),
    "picture": ("Picture", "图片"),
    "caption": ("Caption", "描述"),
    "empty": (
        "Open pictures or a folder, and Showtell says what is in them.",
        "打开图片或文件夹，Showtell 会说出图片里有什么。",
    ),
    "drop": ("You can also drop them here.", "也可以把它们拖到这里。"),
    "loading": ("Getting ready …", "正在准备……"),
    "ready": ("Ready", "就绪"),
    "waiting": ("waiting …", "等待中……"),
    "looking": ("looking …", "正在看图……"),
    "progress": ("{done} of {total} pictures described", "已描述 {done}/{total} 张图片"),
    "stopped": ("Stopped; {done} pictures are described.", "已停止；已描述 {done} 张图片。"),
    "failed": ("cannot be described: {reason}", "无法描述：{reason}"),
    "none": ("There are no pictures in {folder}.", "{folder} 里没有图片。"),
    "en": ("English", "英文"),
    "zh": ("Chinese", "中文"),
    "confidence": ("Confidence {percent} %", "置信度 {percent}%"),
    "look": (
        "Point at a word, or move the cursor into it, to see which part of the picture it depends on.",
        "把鼠标或光标移到一个词上，可看到它取决于图片的哪一部分。",
    ),
    "others": ("Other captions", "其他描述"),
    "copy": ("Copy", "复制"),
    "copied": ("Copied.", "已复制。"),
    "keep": ("Keep my words", "保存我的描述"),
    "save": ("Save beside the picture", "保存到图片旁"),
    "good": ("Good", "好"),
    "bad": ("Bad", "不好"),
    "thanks": ("Thank you, kept.", "谢谢，已保存。"),
    "saved": ("Saved as {file}.", "已保存为 {file}。"),
    "undone": ("Taken back.", "已撤销。"),
    "unsafe": ("May be unsafe ({percent} %)", "可能不宜观看（{percent}%）"),
    "show": ("Show the picture", "显示图片"),
    "hide": ("Hide the picture", "隐藏图片"),
    "found": ("{count} pictures found", "找到 {count} 张图片"),
    "nothing": ("Nothing in the library looks like that.", "图库里没有这样的图片。"),
    "back": ("Back to my pictures", "回到我的图片"),
    "alike": ("More like this", "更多类似的"),
    "no_font": (
        "No font with Chinese characters was found; install one, for instance Noto Sans CJK.",
        "No font with Chinese characters was found; install one, for instance Noto Sans CJK.",
    ),
    "pictures": ("Pictures", "图片"),
    "all_files": ("All files", "所有文件"),
    "same": ("Your words are the machine's own.", "您的描述与机器的相同。"),
    "offer_title": ("Nearly the same pictures", "几乎一样的图片"),
    "offer": (
        "These pictures look nearly the same. Keep your words for them too?",
        "这些图片几乎一样，也用您的描述吗？",
    ),
    "model": ("Model", "模型"),
    "accept": ("Keep for those ticked", "用于已勾选的"),
    "leave": ("Leave them", "不用"),
    "yours": ("Your words", "您的描述"),
    "without": ("Without:", "不含："),
    "anyway": ("Show the nearest anyway", "仍显示最接近的"),
}


class Texts:
    """The texts in the language that was chosen."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"

    def __call__(self, key: str, **values: object) -> str:
        """A text, with its values filled in."""
        return TEXTS[key][LANGUAGES.index(self.language)].format(**values)

    def switch(self) -> None:
        """Choose the other language."""
        self.language = "zh" if self.language == "en" else "en"
