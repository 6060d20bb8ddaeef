"""Captions that are hard to cut into tokens: a hand-written list, and random ones made from its pieces."""

import random
import re

BY_HAND = """\
A dog's ball isn't here, the dogs' ball can't bounce: it's flat.
I'm sure they're home; we've said he'd say she'll come, who'd've known?
DON'T SHOUT! Don’t whisper. wouldn't've could've y'all ain't o'clock ma'am
cannot gonna gotta lemme gimme wanna dunno more'n 'tis 'twas d'ye Cannot GONNA, wanna-be
rock'n'roll rock 'n' roll fish 'n chips 'em 'cause 'til 'till '80s '68 '90s. c'mon cap'n ol' somethin' nat'l
O'Reilly D'Angelo l'Oréal d’accord qu'il Hawai'i Shi'ite Hallowe'en ne'er jack-o'-lantern man-o'-war
well-known black-and-white x-ray -ish re- self- - -- --- ---- ----- a--b a - b 5-year-old pro-- anti- A-1
dash–dash—dash―dash ‐ hy‐phen hy‑phen a֊b
snow/ice and/or he/she/it a/b/c/d 24/7 w/o 1/2 3/4 1 1/2 1-1/2 11/12 10/20/2003 1/2/3 12345/2 1⁄2 ½ 1½ ⅓ ⅞ ¼x
$5 $5.00 5$ US$5 A$5 £5 €5.50 ¥5 5¢ ¤ 5% % #1 #hashtag #a_b ## @user @ @@ a$b AB$CD
1,000 1,000.50 1.5 .5 5. 1.2.3 10:30 10:30am 10:30 a.m. 1st 22nd 3rd 5k 100m 6'2" +5 -5 +-5 1e5 1.5x ²³ x² H₂O 10⁻²
123 456 7890, (123) 456-7890, +44 20 7946 0958, 555-1234, 1-800-555-1234, 123.456.7890
Mr. Smith, Mrs. X, Dr. Who of St. Ives Ave. etc. vs. v. no. 5 is no. Good. fig. 3 pp. 5 Jan. 5 Corp. Inc. Ltd. Co.
the U.S. A man in the U.S. The end. U.K. p.m. e.g. i.e. Ph.D. J.R. R. B.C. Washington D.C.
etc. X etc. x corp.5 inc., dog., dog.; 1st.: a.m.-p.m. U.S.-based x-U.S. no.5 Tex. tex. ill. Ill. Pte. PTE. mfg.
dog.The dog.the dog .the a.b a.b.c. a!b a?b hello... hello.. hello. . . . .. ... .... ..... ...... ……
wow! wow!! what?? what?! ?! !? a!!b ,, ;; :: ,. ., hello,world hello;world x:y
(round) [square] {curly} <angle> <b>bold</b> </p> <br/> <a href="x y"> <!-- no --> < > <= >= << >> <3 a <b and c> d
-LRB- -rrb- (( )) () [] {} (1) (1.5) \\( \\/ \\*
"quoted" 'single' ``tex'' `x' "a" b "c "d" " ' '' ''' "" “curly” ‘single’ «guillemets» ‹› „low“ ‚low‘ ’’ “” ‟x‛
AT&T R&D a&b A&b B&B's S&Ls &amp; AT&amp;T &lt;b&gt; &quot;x&quot; &nbsp; &#39; &copy; caf&eacute; &mdash; it&apos;s
http://www.foo.com/bar?x=1&y=2 https://x.y. (http://x.com) www.foo.com WWW.X.ORG/a-b foo.com foo-bar.com a.edu/~x
me@x.com me@x.com. <me@x.com> a.b+c@d-e.co.uk, x@y @x#y mailto:a@b.c &lt;a@b.c&gt; foo_bar@x
:) :-) ;) :( :D :P =) <3 :'( ^_^ -_- xD :-D :o) 8) (^_^) (-.-) >:( :3 T_T o_O
* ** *** _ __ a_b _a_ ~ ~~ ^ | \\ / // + = == a+b A+B a=b && %% •·§©®™°¶ 5° 5°C
café naïve Ångström façade ﬁne e\u0301te\u0301 über-cool 1é é1 É. ñ. Ἑλλάς Москва́ 東京 日本語. 狗在跑。 한국어
עִבְרִית عربي ٣٫٥ हिन्दी
emoji 😀 dog😀cat 👨‍👩‍👧 🇫🇷 ❤️ ☃ ✓ a😀b 😀.com http://😀x
soft\xadhyphen \xad x\xad \xadx no\xadbreak 1\xad2 a\xad's nbsp\xa0here a\xa0 b thin\u2009space wide\u3000space
tab\there bell\x07here nul\x00here esc\x1b[0m del\x7f c1\x80\x91x\x92
\x93q\x94 \x96\x97 \x85 zero\u200bwidth bom\ufeffx \ufffd
C++ C# F# .NET ASP.NET foo.jpg 1.jpg x IMG_1.JPG foo.tar.gz, a-1.png 1.class 7-up catch-22 4x4 R2-D2 3-D iPhone5s
   spaces   around   .   and , here   !
a
A
.
,
!!
"
'
-
()
1
é
😀
snow-covered semi-cloudy hi-viz tug-of-war merry-go-round three-wheeler's t-shirts' mid-flight
A man ( left ) and a woman [ right ] sit ; they smile : " cheese " .
two dog 's run on the child 's ball , is n't it ?
""".split("\n")

_ATOMS = [
    *"a B c D x X n N t s S O o 0 1 9 . , ; : ! ? ' \" ` - _ / \\ ( ) [ ] { } < > @ # $ % & * + = ^ ~ |".split(),
    *["  ", "é", "É", "\u0301", "\xad", "’", "‘", "“", "”", "—", "…", "½", "£", "€", "¢", "\xa0", "😀"],
    *["n't", "'s", "U.S.", "Mr.", "corp.", "no.", "The", "&amp;", ".com", "http://", "www.", "1/2", "..."],
]
_WORDS = "a man dog the The It st fig no Mr cannot gonna o'clock dog's t-shirt isn't U.S. 5 two sits on A etc".split()


def captions(number: int, seed: int = 0) -> list[str]:
    """The hand-written ones, then random ones: wild mixtures, and sentences with odd punctuation."""
    chance = random.Random(seed)
    pieces = sorted({piece for caption in BY_HAND for piece in caption.split(" ") if piece})
    found = list(BY_HAND)
    while len(found) < number:
        found.append(_random(chance, pieces))
    return found


def _random(chance: random.Random, pieces: list[str]) -> str:
    kind = chance.random()
    if kind < 0.3:
        return "".join(chance.choice(_ATOMS) for _ in range(chance.randint(1, 10)))
    if kind < 0.6:
        return chance.choice(["", "", " "]).join(chance.choice(pieces) for _ in range(chance.randint(2, 4)))
    words = [_decorated(chance) for _ in range(chance.randint(1, 12))]
    return re.sub(" +", " ", " ".join(words)) + chance.choice(["", " .", ".", " . ", "!"])


def _decorated(chance: random.Random) -> str:
    word = chance.choice(_WORDS)
    before, after = (
        chance.choice(["", "", "", "", "", mark]) for mark in (chance.choice("\"'(-"), chance.choice(_ATOMS))
    )
    return before + word + after
