"""What a person wrote in a mail: its text without quoted mails, signatures and notices."""

from __future__ import annotations

import re
from email.message import Message as Mail
from itertools import islice

from data.readers.htmltext import html_to_text

LONGEST = 100_000
"""Characters of a mail's text that are read."""

_INTRO = re.compile(
    r"^\s*(?:On\b.{4,200}\bwrote|Am\b.{4,200}\bschrieb.{0,80}|Le\b.{4,200}\ba écrit|El\b.{4,200}\bescribió|"
    r"在\s?.{4,200}写道|.{0,200}\d{4}.{0,200}(?:写道|wrote))\s*[:：]\s*$",
    re.DOTALL,
)
_BORDER = re.compile(
    r"^\s*(?:-{2,}\s*(?:Original Message|Forwarded message|原始邮件|转发邮件|原邮件)\s*-{2,}|_{20,})\s*$", re.IGNORECASE
)
_HEADER = re.compile(r"^\s*\*?(?:From|Von|De|发件人|寄件者)\s?[:：]\*?\s*\S", re.IGNORECASE)
_SECOND = re.compile(r"^\s*\*?(?:Sent|Date|To|Subject|Gesendet|An|发送时间|日期|收件人|主题)\s?[:：]", re.IGNORECASE)
_DEVICE = re.compile(
    r"^\s*(?:Sent from my \w.{0,40}|Get Outlook for \w+.{0,40}|Von meinem \w+ gesendet|发自我的.{0,30}|"
    r"从.{1,20}发送)\s*$",
    re.IGNORECASE,
)


def mail_text(mail: Mail[str, str]) -> str:
    """The text of a mail, plain where it has one, else from its HTML."""
    plain, html = "", ""
    for part in islice(mail.walk(), 200):
        if part.get_content_maintype() != "text" or part.get_filename():
            continue
        text = _content(part)
        if part.get_content_subtype() == "html":
            html = html or text
        elif part.get_content_subtype() == "plain":
            plain = plain or text
    return written(plain if plain.strip() else html_to_text(html, quotes=False))


def _content(part: Mail[str, str]) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    try:
        return payload.decode(charset, errors="replace")[:LONGEST]
    except (LookupError, ValueError):  # a charset that Python does not know, or that is none
        return payload.decode("utf-8", errors="replace")[:LONGEST]


def written(text: str) -> str:
    """Cuts quoted mails, the signature and the notice of a device."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept: list[str] = []
    for at, line in enumerate(lines):
        if line.startswith(">"):
            continue
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if line.rstrip() == "--" or _BORDER.match(line) or _INTRO.match(line[:400]):
            break
        if _wrapped_intro(line, following) or (_HEADER.match(line) and _SECOND.match(following)):
            break
        if not _DEVICE.match(line):
            kept.append(line.rstrip())
    return "\n".join(kept).strip()


def _wrapped_intro(line: str, following: str) -> bool:
    """Whether "On Monday Anna <a@b.c>" goes on with "wrote:" in the next line, as programs wrap it."""
    if len(line) > 200 or len(following) > 200 or not following.rstrip().endswith((":", "：")):
        return False
    return bool(_INTRO.match(f"{line} {following}"))
