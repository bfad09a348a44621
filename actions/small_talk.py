"""Small talk, answered in kind: the intent says that it is some, a few words say which."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.door import checked
from actions.handoff import Events

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (f"utter_{kind}", re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            "here",
            r"\b(?:are you|you|anyone|anybody|someone|somebody|is anybody|is anyone) (?:still |even |out )?"
            r"(?:there|here|around|online|awake|listening)\b"
            r"|^[\s?？.…。!！]+$|^(?:hello|hey)\?+|\bdid you (?:get|see|fall asleep)\b"
            r"|在吗|在不在|还在|在么|有人(?:在)?吗|人呢|在线吗|看到.{0,6}吗|怎么不说话",
        ),
        (
            "no_harm",
            r"\b(?:sorry|apolog\w+|my (?:bad|mistake|fault)|didn'?t mean|excuse me|oops|pardon)\b"
            r"|抱歉|对不起|不好意思|我的错|打扰|冒犯|说错",
        ),
        (
            "how_are_you",
            r"\bhow(?:'?s| is| are| have)?\b.*\b(?:you|it going|things|your day|life|been)\b|\bwhat'?s up\b"
            r"|\bhow do you do\b|\bsup\b|\bhope you\b"
            r"|你好吗|怎么样|好不好|累不累|忙吗|忙不忙|心情|还好吗|过得|吃了吗|吃饭了",
        ),
        (
            "compliment",
            r"\b(?:you(?:'re| are| r)?|bot|this|that)\b.*\b(?:smart|clever|great|good|best|brilliant|amazing|awesome"
            r"|cool|nice|fast|quick|kind|sweet|helpful|wonderful|impress\w*|love|like)\b"
            r"|\b(?:impressive|well done|good (?:job|bot|work)|nice (?:one|bot|work)|(?:love|like) (?:you|talking))\b"
            r"|厉害|聪明|真棒|很棒|太棒|好棒|牛|优秀|专业|贴心|可爱|能干|点赞|给力|好样|真好(?!$)|不错|真快|好快|喜欢你|爱了",
        ),
    )
)
"""Responses of the domain, and what asks for them; the first that fits."""


def reply_to(text: str) -> str:
    """The response for a piece of small talk."""
    return next((response for response, pattern in _KINDS if pattern.search(text)), "utter_small_talk")


class ActionSmallTalk(Action):
    """Answers small talk in kind."""

    def name(self) -> str:
        """See parent."""
        return "action_small_talk"

    @checked
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """See parent."""
        dispatcher.utter_message(response=reply_to(str(tracker.latest_message.get("text") or "")))
        return []
