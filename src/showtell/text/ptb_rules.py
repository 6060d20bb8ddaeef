"""The rules of :mod:`showtell.text.ptb`: what may be one token, and how it is written down.

At each place the rule that sees furthest wins, what it merely looks at after the token included; of equals
the first. The rules are written against the *shape* of a caption, in which one character stands for each
kind of character outside ASCII (``LETTER`` … below), so that the patterns stay short.

Groups in a pattern: ``token`` is what is printed when the rule looks further than that; ``eaten`` is what is
consumed when that is less than what is printed (the full stop of "etc." that also ends the sentence).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of token."""

    pattern: re.Pattern[str]
    write: Callable[[str], str]


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


def _any_case(word: str) -> str:
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)


def _capitalised(word: str) -> str:
    return word[0].upper() + _any_case(word[1:])


def _one_of(words: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(map(_any_case, sorted(words, key=len, reverse=True)))})"


@cache
def rules() -> tuple[Rule, ...]:
    """All of them, in order; compiled when the first caption needs them."""
    found: list[Rule] = []

    def add(pattern: str, write: Callable[[str], str] = _plain, flags: int = 0) -> None:
        found.append(Rule(re.compile(pattern, flags), write))

    for group in (_words, _addresses, _numbers, _abbreviations, _compounds, _punctuation):
        group(add)
    return tuple(found)


def _words(add: Callable[..., None]) -> None:
    for word, length in SPLIT.items():
        add(f"(?P<token>{word[:length]}){word[length:]}", _plain, _ANY_CASE)
    add("(?P<token>'t)(?:is|was)", _quoted, _ANY_CASE)
    for tag in _TAGS:
        add(tag, _spaced)
    for entity, text in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&nbsp;", "")):
        add(entity, _constant(text), _ANY_CASE)
    add("&(?:[mn]dash|md);", _constant("--"), _ANY_CASE)
    add("&#[0-9]+;")
    add(f"(?P<token>[A-Za-z\xad]*[A-MO-Za-mo-z]\xad*)n{_ANY_APOSTROPHE}t", _plain, _ANY_CASE)
    add(_WORD)
    add(f"(?P<token>{_WORD}){_CLITIC}", _plain, _ANY_CASE)
    add(
        f"{_APOSTROPHE}(?:n{_APOSTROPHE}?|[2-9]0s|em|till?|cause)|(?:ol|[ldj]|dunkin|somethin){_APOSTROPHE}"
        f"|cap{_APOSTROPHE}n|ma{_APOSTROPHE}am|o{_ANY_APOSTROPHE}o|c'mon|nat'l|nor'easter|cont'd\\.|e'er|c'est",
        _raw,
        _ANY_CASE,
    )
    add(f"[A-HJ-XZn]{_ANY_APOSTROPHE}[{_LETTERS}]{{2,}}", _raw)
    add(f"[{_LETTERS}]+[aeiouyAEIOUY]{_ANY_APOSTROPHE}[aeiouA-Z][{_LETTERS}]*", _raw)
    add(f"(?P<token>{_APOSTROPHE}[0-9]{{2}}){_GAP}", _raw)
    add("-[LR][RSC]B-", _raw, _ANY_CASE)
    add(f"(?P<token>y{_APOSTROPHE})[{_LETTERS}]", _plain, _ANY_CASE)


def _addresses(add: Callable[..., None]) -> None:
    add(r"https?://[^ \t\n\f\r\"<>|(){}]+[^ \t\n\f\r\"<>|.!?(){},-]", _raw, _ANY_CASE)
    # With a path the host must be the shortest, without one the longest.
    add(f"{_HOST}[a-zA-Z]{{2,4}}", _raw, _ANY_CASE)
    add(f"{_HOST}?[a-zA-Z]{{2,4}}{_PATH}", _raw, _ANY_CASE)
    add(f"{_SITE}{_TOP}", _raw)
    add(f"{_SITE}?{_TOP}{_PATH}", _raw)
    add(_MAIL, _raw)
    add(f"@[A-Za-z_][A-Za-z_0-9]*|#{_WORD_START}+", _raw)
    add(f"(?P<token>{_CLITIC})[^A-Za-z]", _quoted, _ANY_CASE)
    add(f"n{_ANY_APOSTROPHE}t", _quoted, _ANY_CASE)
    add(f"{_SPACE}+", _constant(""))


def _numbers(add: Callable[..., None]) -> None:
    add(f"{_DIGIT}{{1,2}}[/-]{_DIGIT}{{1,2}}[/-]{_DIGIT}{{2,4}}")
    add(f"[+-]?(?:{_DIGIT}*(?:[.:,\xad٫٬]{_DIGIT}+)+|{_DIGIT}+)")
    add(f"[⁺⁻₊₋]?(?:[{SUPERSCRIPTS}]+|[{SUBSCRIPTS}]+)")
    add(f"(?:{_DIGIT}{{1,4}}[- \xa0])?{_DIGIT}{{1,4}}(?:\\\\?/|⁄){_DIGIT}{{1,4}}", _spaced)
    end = r"[0-9]{3,4}[- \xa0]?[0-9]{3,5}"
    add(rf"\([0-9]{{2,3}}\)[ \xa0]?{end}", _telephone)
    add(rf"(?:\+\+?)?[0-9]{{2,4}}[- \xa0]{end}", _telephone)
    add(rf"(?:\+\+?)?[0-9]{{2,4}}[- \xa0][0-9]{{2,4}}[- \xa0]{end}", _telephone)
    add(r"(?:\+\+?)?(?:[0-9]{2,4}\.)?[0-9]{2,4}\.[0-9]{3,4}\.[0-9]{3,5}", _telephone)
    add(_JOINED)


def _abbreviations(add: Callable[..., None]) -> None:
    capital = "|".join(map(_capitalised, CAPITAL_ABBREVIATIONS))
    ending = f"(?:{_one_of(ENDING_ABBREVIATIONS)}|{capital}|[pP][pP]?[tT][ey]s?)"
    sentence = f"{_GAP}(?:{_GAP}|[A-Z{CAPITAL}]|{_TAG})"
    starter = f"{_GAP}+(?:M[rs]\\.|{'|'.join(map(_capitalised, STARTERS))}|{_TAG}){_GAP}"
    add(f"(?P<token>(?P<eaten>{ending})\\.){sentence}")
    add(f"(?P<token>{ending}\\.)[\\s\\S]{{2}}")
    add(f"(?P<token>(?P<eaten>{ending})\\.)")
    others = tuple(title for title in TITLES if title not in ("mfg", "mtg"))
    add(f"(?:{_one_of(others)}|[mM][ft]g)\\.")
    add(f"(?P<token>[A-Za-z])\\.{starter}")
    add(r"[A-Za-z]\.")
    add(f"{_ACRONYM}\\.")
    add(f"(?P<token>(?P<eaten>{_ACRONYM})\\.){starter}")
    add(f"(?P<token>{_one_of(NUMBERED)}\\.){_SPACE}?{_DIGIT}")
    for kind in (_WORD, _JOINED, _HYPHENATED):
        add(f"(?P<token>{kind}\\.)[,;:、]")
    add(f"(?P<token>{_COMPANY}\\.)[,;:、]", _company)


def _compounds(add: Callable[..., None]) -> None:
    add("anti-|pro-", _raw, _ANY_CASE)
    add(_HYPHENATED)
    add(_COMPANY, _company)
    add("S(?:&amp;|&)Ls", _company, _ANY_CASE)
    add(r"[cC]\+\+|[cCfF]#")
    add(f"{_BETWEEN_SLASHES}(?:\\\\?/{_BETWEEN_SLASHES}){{1,2}}")
    add(r"[A-Z]*\$|#")


def _punctuation(add: Callable[..., None]) -> None:
    add(r"(?:\"|&quot;)(?=[A-Za-z0-9$])", _constant("``"))
    add('"|&quot;', _constant("''"))
    add("(?P<token>')[A-Za-z][^ \t\n\r\xa0]", _constant("`"))
    add(_CLITIC, _quoted, _ANY_CASE)
    add("['\x92’]|&apos;", _quoted)
    add("''|``|'|`", _raw)
    add(r"\.{3,5}|[\x85…]|\.(?:[ \xa0]\.){2,}", _constant("..."))
    add("[?!]+", _raw)
    add("-{2,4}|[–—―\x96\x97]", _constant("--"))
    add(r"-{5,}|-|\\\*|\*+|_+|#+|@+|<<|>>", _raw)
    for character, text in CONSTANTS.items():
        add(re.escape(character), _constant(text))
    add(f"[]<>=,;:.%&$#@^|~\\\\/+{SYMBOL}、⁄⁺⁻₊₋]", _raw)
    add(r"(?P<token>[<>]?[:;=]['*o-]?[()@DOP[\]dp{|\\])[^A-Za-z0-9]", _bracketed)
    add(r"\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\)|[-^x=~<>']_[-^x=~<>']", _bracketed)
    add(f"[`‚„‟{''.join(QUOTES)}]{{1,2}}", _quoted)
    # An acronym of the same length comes first: "B.C." is no file.
    add(
        f"(?P<token>{_WORD_PART}+(?:\\.{_WORD_PART}+)*\\.(?:{FILES}))(?:{_GAP}|[.?!,])",
        _raw,
        _ANY_CASE,
    )
