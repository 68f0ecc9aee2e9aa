"""Text of both languages: line ends, spaces and markup of Chinese, anchors of headings."""

import re

ROLE = re.compile(r":([a-z:]+):`([^`]+)`")
LITERAL = re.compile(r"``(.+?)``")
HAN = "\u3400-\u9fff"
CJK = "\u2e80-\u303f\u31c0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef“”‘’…—·"
CJK_PUNCTUATION = "\u3000-\u303f\uff00-\uffef“”‘’…—"


def joined(lines, language):
    """Lines of one paragraph on one line: Chinese takes no space where a line ends."""
    text = "\n".join(line.strip() for line in lines)
    return unbroken(text) if language == "zh" else text.replace("\n", " ")


def unbroken(text):
    """Chinese ``text`` with each line end closed up.

    None is left beside a full-width mark, inline markup or between Chinese characters;
    a space between Chinese and Latin letters or digits.
    """
    text = re.sub(rf"(?<=[{CJK_PUNCTUATION}])\n|\n(?=[{CJK_PUNCTUATION}])", "", text)
    text = re.sub(rf"(?<=[{CJK}])\n(?=[{CJK}`:*])|(?<=[`*])\n(?=[{CJK}])", "", text)
    return text.replace("\n", " ")


def slug(heading):
    """The anchor of an English heading."""
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower()))


def plain(text):
    """Text without inline markup, as a text alternative needs it.

    Chinese takes a space beside Latin letters once the markup that set them apart is gone.
    """
    text = ROLE.sub(lambda match: match[2], text)
    text = LITERAL.sub(lambda match: match[1], text).replace("**", "").replace("*", "")
    return re.sub(rf"(?<=[{HAN}])(?=[-A-Za-z0-9])|(?<=[A-Za-z0-9)])(?=[{HAN}])", " ", text)
