"""The rules of :mod:`showtell.text.ptb`: what may be one token, and how it is written.

At each place the rule that sees furthest wins, what it merely looks at after the token included; of equals
the first. The rules are written against the *shape* of a caption, in which one character stands for each
kind of character outside ASCII (``LETTER`` … below), so that the patterns stay short.

Groups in a pattern: ``token`` is what is printed when the rule looks further than that; ``eaten`` is what is
consumed when that is less than what is printed (the full stop of "etc." that also ends the sentence).

Each rule names the characters that its matches can start with. So only a few rules are tried at a place, and a
pattern is compiled only when a caption needs it.
"""

import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

LETTER, CAPITAL, MARK, DIGIT, SYMBOL, NOTHING = "é", "É", "\u0301", "٠", "§", "\x01"
SPACES = " \t\xa0\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
LINE_ENDS = "\r\n\x0b\x0c\u2028\u2029"
HYPHENS = "‐‑֊"  # they hold words together, and are nothing by themselves
QUOTES = {"\x91": "`", "‘": "`", "‛": "`", "‹": "`", "\x92": "'", "’": "'", "›": "'"} | {
    **dict.fromkeys("\x93“«", "``"),
    **dict.fromkeys("\x94”»", "''"),
}
CONSTANTS = {
    **{"¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"},
    **{"¢": "cents", "£": "#", "¤": "$", "€": "$", "\x80": "$", "₠": "$"},
    **{"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"},
}
SUPERSCRIPTS, SUBSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"
# Characters outside ASCII that some rule knows one by one; all others are seen by their kind.
SINGLES = frozenset(SPACES + LINE_ENDS + HYPHENS + SUPERSCRIPTS + SUBSCRIPTS) | frozenset(
    "\x85\x96\x97\xad„‚‟–—―…⁄⁺⁻₊₋٫٬、" + "".join(QUOTES) + "".join(CONSTANTS)
)


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


# They keep their full stop, and can end a sentence with it.
ENDING_ABBREVIATIONS = _list(
    "al ala apr ariz assn aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec esq est etc ext feb "
    "fla fri ga inc ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla "
    "penn plc rd rt sep sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo ph.d ed.d"
)
CAPITAL_ABBREVIATIONS = _list("ark az del ill la mass miss ore pa tex wash")
COMPANIES = _list("pte pty ptes ptys ppte ppty pptes pptys")
# They keep their full stop, and something follows.
TITLES = _list(
    "adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens "
    "ft gen gov govs hon insp invt jos lieut lt maj messrs mfg mlle mme mr mrs ms msgr mt mtg natl pfc ph pres "
    "prof profs pvt rep reps rev sen sens sfc sgt spc st ste supt supts treas vs wm"
)
# They keep it before a number.
NUMBERED = _list("art ca fig figs no nos op pp prop")
# A capital letter that starts one of these after "U.S." starts a sentence.
STARTERS = _list(
    "a about according after an as at but earlier he her here however if in it last many more now once one "
    "other our she since so some such that the their then there these they this we what when while yet you"
)
# Words that are two tokens.
SPLIT = {"cannot": 3, "gonna": 3, "gotta": 3, "lemme": 3, "gimme": 3, "wanna": 3}
FILES = (
    "bat|bmp|cgi|class|cpp|c|dll|docx?|exe|gif|gz|html?|h|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql"
    "|tar|txt|wav|xml|x|zip"
)


@dataclass(frozen=True)
class Rule:
    """One kind of token.

    Attributes:
        source: the pattern, against the shape.
        write: what the token's text becomes.
        starts: every character that a match can start with; None for any.
        flags: of the pattern.
    """

    source: str
    write: Callable[[str], str]
    starts: str | None
    flags: int = 0

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.source, self.flags)


def _plain(token: str) -> str:
    return token.replace("\xad", "") or "-"


def _raw(token: str) -> str:
    return token


def _spaced(token: str) -> str:
    return token.replace(" ", "\xa0")


def _telephone(token: str) -> str:
    return _bracketed(_spaced(token))


def _bracketed(token: str) -> str:
    return _plain(token.replace("(", "-lrb-").replace(")", "-rrb-"))


def _company(token: str) -> str:
    return re.sub("&amp;", "&", _plain(token), flags=re.IGNORECASE)


def _quoted(token: str) -> str:
    return re.sub("['\x92’]|&apos;", "'", _plain(token), flags=re.IGNORECASE).translate(_QUOTE_TABLE)


def _constant(text: str) -> Callable[[str], str]:
    return lambda token: text


_QUOTE_TABLE = str.maketrans(QUOTES)
_ANY_CASE = re.IGNORECASE | re.ASCII

# What a token can start with.
_ASCII_CAPITALS = string.ascii_uppercase
_ASCII = string.ascii_letters
_ASCII_ALNUM = string.ascii_letters + string.digits
_ANY_LETTERS = _ASCII + LETTER + CAPITAL
_ANY_ALNUM = _ANY_LETTERS + string.digits + DIGIT
_WORD_STARTS = _ANY_LETTERS + MARK + "\xad&"
_WORD_PARTS = _WORD_STARTS + string.digits + DIGIT
_DIGITS = string.digits + DIGIT
_APOSTROPHES = "'\x92’&"

_LETTERS = f"A-Za-z{LETTER}{CAPITAL}"
_DIGIT = f"[0-9{DIGIT}]"
_ALNUM = f"[{_LETTERS}0-9{DIGIT}]"
_ACCENTED = "&[aeiouAEIOU](?:acute|grave|uml);"
_WORD_START = f"(?:[{_LETTERS}{MARK}\xad]|{_ACCENTED})"
_WORD_PART = f"(?:[{_LETTERS}{MARK}\xad0-9{DIGIT}]|{_ACCENTED})"
_WORD = f"{_WORD_START}{_WORD_PART}*(?:[.!?]{_WORD_START}{_WORD_PART}*)*"
_APOSTROPHE = "(?:['\x92’]|&apos;)"
_ANY_APOSTROPHE = "(?:['\x92’`\x91‘‛]|&apos;)"
_CLITIC = f"{_APOSTROPHE}(?:[msd]|re|ve|ll)"
_ELIDED = f"(?:[dDoOlL]{_ANY_APOSTROPHE}{_ALNUM})?"
_JOINED = f"{_ELIDED}{_ALNUM}+(?:[-_{HYPHENS}]{_ELIDED}{_ALNUM}+)*"
_ACRONYM = r"[A-Za-z](?:\.[A-Za-z])+"
_HYPHENATED = f"[A-Za-z0-9][A-Za-z0-9.,\xad]*(?:-(?:{_ACRONYM}\\.|[A-Za-z0-9\xad]+))+"
_BETWEEN_SLASHES = "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
_COMPANY = "[A-Z]+(?:(?:&amp;|[&+])[A-Z]+)+"
_SPACE = f"[{SPACES}]"
_GAP = f"[{SPACES}{LINE_ENDS}]"
_NAME = "[A-Za-z][A-Za-z0-9_:.-]*"
_TAGS = (
    r"<[!?][A-Za-z-][^>\r\n]*>",
    f"</{_NAME} *>",
    f"<{_NAME}(?: +{_NAME}(?:=(?:\"[^\"\\r\\n]*\"|'[^'\\r\\n]*'))?)* *(?:/ *)?>",
)
_TAG = f"(?:{'|'.join(_TAGS)})"
_HOST = r"www\.(?:[^ \t\n\f\r\"<>|.!?(){},]+\.)+"
# The range from comma to underscore is as the tool has it: no digits, no capitals.
_SITE = r"(?:[^ \t\n\f\r\"`'<>|.!?(){},-_$]+\.)+"
_TOP = "(?:[cC][oO][mM]|[nN][eE][tT]|[oO][rR][gG]|[eE][dD][uU])"
_PATH = r"/[^ \t\n\f\r\"<>|()]+[^ \t\n\f\r\"<>|.!?(){},-]"
_MAIL = (
    r"(?:&[lL][tT];|<)?[a-zA-Z0-9][^ \t\n\f\r\"<>|(){}\xa0]*@"
    r"(?:[^ \t\n\f\r\"<>|().{}\xa0]+\.)*[^ \t\n\f\r\"<>|().{}\xa0]+(?:&[gG][tT];|>)?"
)


def _one_of(words: tuple[str, ...]) -> str:
    """Any of the words in any case."""
    return f"(?ai:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})"


def _one_capitalised(words: tuple[str, ...]) -> str:
    """Any of the words with a capital first letter, and others in any case."""
    rests: dict[str, list[str]] = {}
    for word in words:
        rests.setdefault(word[0].upper(), []).append(word[1:])
    return "|".join(f"{letter}(?ai:{'|'.join(rest)})" for letter, rest in rests.items())


@cache
def rules() -> tuple[Rule, ...]:
    """All of them, in order."""
    return (
        *_words(),
        *_addresses(),
        *_numbers(),
        *_abbreviations(),
        *_compounds(),
        *_punctuation(),
    )


@cache
def rules_from(character: str) -> tuple[Rule, ...]:
    """Those that a token starting with this character of a shape can follow, in order."""
    return tuple(rule for rule in rules() if rule.starts is None or character in rule.starts)


def _words() -> Iterator[Rule]:
    for word, length in SPLIT.items():
        both = word[0] + word[0].upper()
        yield Rule(f"(?P<token>{word[:length]}){word[length:]}", _plain, both, _ANY_CASE)
    yield Rule("(?P<token>'t)(?:is|was)", _quoted, "'", _ANY_CASE)
    for tag in _TAGS:
        yield Rule(tag, _spaced, "<")
    for entity, text in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&nbsp;", "")):
        yield Rule(entity, _constant(text), "&", _ANY_CASE)
    yield Rule("&(?:[mn]dash|md);", _constant("--"), "&", _ANY_CASE)
    yield Rule("&#[0-9]+;", _plain, "&")
    before_not = "(?P<token>[A-Za-z\xad]*[A-MO-Za-mo-z]\xad*)"
    yield Rule(f"{before_not}n{_ANY_APOSTROPHE}t", _plain, _ASCII + "\xad", _ANY_CASE)
    yield Rule(_WORD, _plain, _WORD_STARTS)
    yield Rule(f"(?P<token>{_WORD}){_CLITIC}", _plain, _WORD_STARTS, _ANY_CASE)
    yield Rule(
        f"{_APOSTROPHE}(?:n{_APOSTROPHE}?|[2-9]0s|em|till?|cause)|(?:ol|[ldj]|dunkin|somethin){_APOSTROPHE}"
        f"|cap{_APOSTROPHE}n|ma{_APOSTROPHE}am|o{_ANY_APOSTROPHE}o|c'mon|nat'l|nor'easter|cont'd\\.|e'er|c'est",
        _raw,
        _APOSTROPHES + _ASCII,
        _ANY_CASE,
    )
    yield Rule(f"[A-HJ-XZn]{_ANY_APOSTROPHE}[{_LETTERS}]{{2,}}", _raw, _ASCII)
    vowel = f"[{_LETTERS}]+[aeiouyAEIOUY]{_ANY_APOSTROPHE}[aeiouA-Z]"
    yield Rule(f"{vowel}[{_LETTERS}]*", _raw, _ANY_LETTERS)
    yield Rule(f"(?P<token>{_APOSTROPHE}[0-9]{{2}}){_GAP}", _raw, _APOSTROPHES)
    yield Rule("-[LR][RSC]B-", _raw, "-", _ANY_CASE)
    yield Rule(f"(?P<token>y{_APOSTROPHE})[{_LETTERS}]", _plain, "yY", _ANY_CASE)


def _addresses() -> Iterator[Rule]:
    address = r"https?://[^ \t\n\f\r\"<>|(){}]+[^ \t\n\f\r\"<>|.!?(){},-]"
    yield Rule(address, _raw, "hH", _ANY_CASE)
    # With a path the host must be the shortest, without one the longest.
    yield Rule(f"{_HOST}[a-zA-Z]{{2,4}}", _raw, "wW", _ANY_CASE)
    yield Rule(f"{_HOST}?[a-zA-Z]{{2,4}}{_PATH}", _raw, "wW", _ANY_CASE)
    yield Rule(f"{_SITE}{_TOP}", _raw, None)
    yield Rule(f"{_SITE}?{_TOP}{_PATH}", _raw, None)
    yield Rule(_MAIL, _raw, "&<" + _ASCII_ALNUM)
    yield Rule(f"@[A-Za-z_][A-Za-z_0-9]*|#{_WORD_START}+", _raw, "@#")
    yield Rule(f"(?P<token>{_CLITIC})[^A-Za-z]", _quoted, _APOSTROPHES, _ANY_CASE)
    yield Rule(f"n{_ANY_APOSTROPHE}t", _quoted, "nN", _ANY_CASE)
    yield Rule(f"{_SPACE}+", _constant(""), SPACES)


def _numbers() -> Iterator[Rule]:
    yield Rule(f"{_DIGIT}{{1,2}}[/-]{_DIGIT}{{1,2}}[/-]{_DIGIT}{{2,4}}", _plain, _DIGITS)
    number = f"[+-]?(?:{_DIGIT}*(?:[.:,\xad٫٬]{_DIGIT}+)+|{_DIGIT}+)"
    yield Rule(number, _plain, _DIGITS + "+-.:,\xad٫٬")
    signs = "⁺⁻₊₋"
    yield Rule(f"[{signs}]?(?:[{SUPERSCRIPTS}]+|[{SUBSCRIPTS}]+)", _plain, signs + SUPERSCRIPTS + SUBSCRIPTS)
    fraction = f"{_DIGIT}{{1,4}}(?:\\\\?/|⁄){_DIGIT}{{1,4}}"
    yield Rule(f"(?:{_DIGIT}{{1,4}}[- \xa0])?{fraction}", _spaced, _DIGITS)
    end, plus = r"[0-9]{3,4}[- \xa0]?[0-9]{3,5}", r"(?:\+\+?)?"
    yield Rule(rf"\([0-9]{{2,3}}\)[ \xa0]?{end}", _telephone, "(")
    for telephone in (
        rf"[0-9]{{2,4}}[- \xa0]{end}",
        rf"[0-9]{{2,4}}[- \xa0][0-9]{{2,4}}[- \xa0]{end}",
        r"(?:[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}",
    ):
        yield Rule(plus + telephone, _telephone, "+" + string.digits)
    yield Rule(_JOINED, _plain, _ANY_ALNUM)


def _abbreviations() -> Iterator[Rule]:
    capital = _one_capitalised(CAPITAL_ABBREVIATIONS)
    ending = f"(?:{_one_of(ENDING_ABBREVIATIONS)}|{capital}|[pP][pP]?[tT][ey]s?)"
    sentence = f"{_GAP}(?:{_GAP}|[A-Z{CAPITAL}]|{_TAG})"
    starter = f"{_GAP}+(?:M[rs]\\.|{_one_capitalised(STARTERS)}|{_TAG}){_GAP}"
    yield Rule(f"(?P<token>(?P<eaten>{ending})\\.){sentence}", _plain, _ASCII)
    yield Rule(f"(?P<token>{ending}\\.)[\\s\\S]{{2}}", _plain, _ASCII)
    yield Rule(f"(?P<token>(?P<eaten>{ending})\\.)", _plain, _ASCII)
    others = tuple(title for title in TITLES if title not in ("mfg", "mtg"))
    yield Rule(f"(?:{_one_of(others)}|[mM][ft]g)\\.", _plain, _ASCII)
    yield Rule(f"(?P<token>[A-Za-z])\\.{starter}", _plain, _ASCII)
    yield Rule(r"[A-Za-z]\.", _plain, _ASCII)
    yield Rule(f"{_ACRONYM}\\.", _plain, _ASCII)
    yield Rule(f"(?P<token>(?P<eaten>{_ACRONYM})\\.){starter}", _plain, _ASCII)
    yield Rule(f"(?P<token>{_one_of(NUMBERED)}\\.){_SPACE}?{_DIGIT}", _plain, _ASCII)
    for kind, starts in ((_WORD, _WORD_STARTS), (_JOINED, _ANY_ALNUM), (_HYPHENATED, _ASCII_ALNUM)):
        yield Rule(f"(?P<token>{kind}\\.)[,;:、]", _plain, starts)
    yield Rule(f"(?P<token>{_COMPANY}\\.)[,;:、]", _company, _ASCII_CAPITALS)


def _compounds() -> Iterator[Rule]:
    yield Rule("anti-|pro-", _raw, "aApP", _ANY_CASE)
    yield Rule(_HYPHENATED, _plain, _ASCII_ALNUM)
    yield Rule(_COMPANY, _company, _ASCII_CAPITALS)
    yield Rule("S(?:&amp;|&)Ls", _company, "sS", _ANY_CASE)
    yield Rule(r"[cC]\+\+|[cCfF]#", _plain, "cCfF")
    yield Rule(f"{_BETWEEN_SLASHES}(?:\\\\?/{_BETWEEN_SLASHES}){{1,2}}", _plain, _ASCII_ALNUM)
    yield Rule(r"[A-Z]*\$|#", _plain, _ASCII_CAPITALS + "$#")


def _punctuation() -> Iterator[Rule]:
    yield Rule(r"(?:\"|&quot;)(?=[A-Za-z0-9$])", _constant("``"), '"&')
    yield Rule('"|&quot;', _constant("''"), '"&')
    yield Rule("(?P<token>')[A-Za-z][^ \t\n\r\xa0]", _constant("`"), "'")
    yield Rule(_CLITIC, _quoted, _APOSTROPHES, _ANY_CASE)
    yield Rule("['\x92’]|&apos;", _quoted, _APOSTROPHES)
    yield Rule("''|``|'|`", _raw, "'`")
    yield Rule(r"\.{3,5}|[\x85…]|\.(?:[ \xa0]\.){2,}", _constant("..."), ".\x85…")
    yield Rule("[?!]+", _raw, "?!")
    yield Rule("-{2,4}|[–—―\x96\x97]", _constant("--"), "-–—―\x96\x97")
    yield Rule(r"-{5,}|-|\\\*|\*+|_+|#+|@+|<<|>>", _raw, "-\\*_#@<>")
    for character, text in CONSTANTS.items():
        yield Rule(re.escape(character), _constant(text), character)
    single = f"]<>=,;:.%&$#@^|~/+{SYMBOL}、⁄⁺⁻₊₋"
    yield Rule(f"[{single}\\\\]", _raw, single + "\\")
    yield Rule(r"(?P<token>[<>]?[:;=]['*o-]?[()@DOP[\]dp{|\\])[^A-Za-z0-9]", _bracketed, "<>:;=")
    faces = r"\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\)|[-^x=~<>']_[-^x=~<>']"
    yield Rule(faces, _bracketed, "(-^x=~<>'")
    quotes = "`‚„‟" + "".join(QUOTES)
    yield Rule(f"[{quotes}]{{1,2}}", _quoted, quotes)
    # An acronym of the same length comes first: "B.C." is no file.
    file = f"{_WORD_PART}+(?:\\.{_WORD_PART}+)*\\.(?:{FILES})"
    yield Rule(f"(?P<token>{file})(?:{_GAP}|[.?!,])", _raw, _WORD_PARTS, _ANY_CASE)
