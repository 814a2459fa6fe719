"""When two questions are the same question, and when one cannot stand alone."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_LAST_MARK = re.compile(r"[\s?\uff1f\u061f]+$")
_REFERRING = re.compile(
    r"""it | its | this | that | these | those | they | them | their | he | him | his | she | her
    | ones? | same | then | yes | no | yep | nope | yeah | ok | okay | sure | correct
    | right | exactly | more | else | another | again | both | neither | either | former | latter
    | previous | next | above | why | that's | it's""",
    re.VERBOSE,
)
_EMPTY = re.compile(
    r"""an? | the | and | or | but | so | if | of | to | in | on | at | by | for | from | with
    | about | as | is | are | was | were | be | been | am | do | does | did | done | doing | have
    | has | had | can | could | will | would | shall | should | may | might | must | not
    | [a-z]+n't | i | me | my | you | your | we | us | our | what | when | where | who | whom
    | whose | which | how | please | thanks? | tell | explain | give | go | get | make | just
    | also | too | there | what's | who's | where's | how's | let's""",
    re.VERBOSE,
)
_GOING_ON = re.compile(r"\W*(?:and|or|but|(?:what|how) about|what if)\b", re.IGNORECASE)
_CURLED = str.maketrans({"\u2019": "'", "\u2018": "'"})


def same_question(question: str) -> str:
    """The form under which two askings of one question are equal.

    White space, the question mark at the end and the case of letters do not count, but a word
    wholly in capitals keeps them: `IT` is a department and `it` is not.

    >>> same_question("  When does  IT open? ") == same_question("when does IT open")
    True
    >>> same_question("Who is in IT?") == same_question("Who is in it?")
    False
    """
    text = unicodedata.normalize("NFC", question)
    text = _LAST_MARK.sub("", text) or text.strip()
    return " ".join(map(_fold, text.split()))


def _fold(word: str) -> str:
    letters = sum(character.isalpha() for character in word)
    return word if letters > 1 and word.isupper() else word.casefold()


def is_bare(question: str) -> bool:
    """Whether a question only points at what was said: a pronoun with at most one content word.

    It means what the last turn made it mean, so nobody else's answer fits it.

    >>> [is_bare(q) for q in ("Yes.", "Cancel it", "Why that one?")]
    [True, True, True]
    >>> [is_bare(q) for q in ("Soup?", "When does the canteen open?", "And on Friday?")]
    [False, False, False]
    """
    words = _WORD.findall(question.casefold().translate(_CURLED))
    referring = [word for word in words if _REFERRING.fullmatch(word)]
    content = [w for w in words if not (_REFERRING.fullmatch(w) or _EMPTY.fullmatch(w))]
    return bool(referring) and len(content) <= 1


def goes_on(question: str) -> bool:
    """Whether a question goes on from the one before: its scope must hold that one.

    >>> goes_on("And on Friday?"), goes_on("What about soup?"), goes_on("Is it on Fridays, too?")
    (True, True, False)
    """
    return _GOING_ON.match(question) is not None
