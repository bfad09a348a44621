"""What customers are told without Rasa: while a person is awaited, or while the switches keep the bot silent."""

from __future__ import annotations

_WORDS = {
    "control": {
        "en": "Thank you. A person from our team will answer you here.",
        "zh": "谢谢您的留言，我们的同事会在这里回复您。",
    },
    "away": {
        "en": "Nobody from our team is here right now. Leave your message here, with an e-mail address or a telephone "
        "number: they read it when they are back ({hours}) and answer you.",
        "zh": "现在没有同事在线。请在这里留言，并留下邮箱或电话：同事上线后（{hours}）会看到并回复您。",
    },
    "late": {
        "en": "Sorry, nobody has been free for {minutes} minutes. You keep your place. You can go on waiting, or leave "
        "a message with an e-mail address or a telephone number.",
        "zh": "抱歉，已经过了{minutes}分钟还没有同事有空。您的排队位置保留。"
        "您可以继续等待，也可以留言并留下邮箱或电话。",
    },
    "wait": {"en": "All right, you keep your place.", "zh": "好的，您的排队位置保留。"},
    "leave": {
        "en": "Write your message here, with an e-mail address or a telephone number. Our team gets it.",
        "zh": "请在这里写下您的留言，并留下邮箱或电话，我们的同事会收到。",
    },
    "noted": {
        "en": "Thank you. Our team has your message and can reach you at {contact}.",
        "zh": "谢谢，我们的同事会收到您的留言，并可通过 {contact} 联系您。",
    },
    "choose_wait": {"en": "Keep waiting", "zh": "继续等待"},
    "choose_leave": {"en": "Leave a message", "zh": "留言"},
    "choose_back": {"en": "Back to the bot", "zh": "返回机器人"},
}

WAIT, LEAVE, BACK = "@wait", "@leave", "@back"
"""Payloads of the choices of somebody who waits. The gateway acts on them; Rasa never sees them."""

_CANCEL = {
    *("cancel", "never mind", "nevermind", "forget it", "stop waiting", "no person"),
    *("back to the bot", "go back to the bot", "back to bot"),
    *("取消", "算了", "不用了", "不等了", "不转了", "不用转人工了", "取消转人工"),
    *("返回机器人", "回到机器人", "转回机器人"),
}


def words(name: str, language: str, **values: str) -> str:
    """A text in the customer's language; English where we have no words in it."""
    texts = _WORDS[name]
    return texts.get(language[:2], texts["en"]).format(**values)


def control_notice(language: str) -> str:
    """Said instead of a reply that the switches keep back."""
    return words("control", language)


def choices(language: str, *payloads: str) -> list[dict[str, str]]:
    """Buttons for somebody who waits.

    Args:
        language: Of the customer.
        payloads: Among ``WAIT``, ``LEAVE`` and ``BACK``.
    """
    return [{"title": words(f"choose_{payload[1:]}", language), "payload": payload} for payload in payloads]


def cancels(text: str) -> bool:
    """Whether these words, from somebody who waits, mean: no person any more. Only whole messages count."""
    return " ".join(text.lower().split()).strip(" .!。！") in _CANCEL
