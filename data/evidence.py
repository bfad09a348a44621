"""What speaks for a sentence, or explains it away, as patterns: advice, conditions, verbs, what is generally true.

The other side of `data.claims`: texts arrive in lower case with straight apostrophes. English only; Chinese shares a
file with its claims.
"""

from __future__ import annotations

import re

ADVICE = re.compile(
    r"\b(?:can|could) (?:you|u) (?:please |also |just |kindly |maybe |quickly )*(?:try|restart|reboot|unplug|"
    r"clear|check for|"
    r"uninstall|reinstall|reset|disable|update|remove|disconnect|log out|sign out|turn|take|make sure|"
    r"click|test|close|plug|connect|delete|download|select|swap|switch|reseat|unpair|power)\b[^.!?]*[?.]|"
    r"\bare you able to (?:try|restart|reboot|unplug|clear|uninstall|reinstall|reset|update|test|log out|sign out|turn|"
    r"plug|connect|close|swap|switch|reseat)\b[^.!?]*\?|\bhave you (?:already )?tried (?!any|all)(?:\w+ )?\w{3,}ing\b"
    r"[^.!?]*\?|"
    r"\b(?:did|have) you (?:try|tried)(?: to)? [^.!?]*\?(?= (?:that|this|it|you|an?|we|the|if)\b)|"
    r"[^.!?]*\?(?= if (?:so|yes|not),?\b(?! (?:could|can|would|please|which|what|did|do|have)\b))|(?:^|(?<=[.!?] "
    r"))does (?:that|this|it) (?:make a difference|help|work)\?|"
    r"\b(?:do|did) you have any (?:other|more|further) questions\?"
)
"""Questions that are advice: "Could you try another browser?". They ask for nothing that is to be told."""

CUT = re.compile(
    r"^(?:with|to|on|of|by|from|are having|in|at|that|for|is|are|accept|be|has|little|link|processing|you with|"
    r"when you|if different) [a-z]+(?![^.!?]*,)"
)
"""The second half of a message that was cut in two: on the text as written, since it begins with a small letter."""

CONDITION = re.compile(
    r"\b(?:if|unless|whether|in case|should you|(?:when|once|after|before|until|until after) (?:you|your|a|an)|"
    r"(?:until|before|as long as|when|once|after) (?:we|it|they|it's)) "
    r"(?:(?!\b(?:were|was|called|spoke|had|did|sent)\b)[^,.;:!?]){0,100}"
)
"""What must be the case for the rest to hold: "if it has not been opened" tells of nobody's parcel."""

SENTENCE = re.compile(
    r"\b(?:is|are|isn't|aren't|can|can't|cannot|cant|could|will|won't|must|should|shouldn't|may|might|do|does|"
    r"don't|doesn't|"
    r"has|have|needs?|takes?|costs?|comes?|goes|works?|appl(?:y|ies)|depends?|starts|ends|opens|closes|offers?|"
    r"accepts?|"
    r"ships?|includes?|lasts?|weighs?|begins?|allows?|requires?|recommend|suggest|advise|sells?|delivers?|"
    r"deliver|get|want|"
    r"covers?|expires?|contains?|supports?|fits?|arrives?|refunds?|charges|never|always|usually|typically|within|"
    r"between|free)\b|\b(?:it|that|there|what|here|he|she)'s\b|'(?:re|ll)\b|n't\b|^(?:please |kindly |just |"
    r"simply |then |first |also |request you to )*(?:try|make|"
    r"go|press|hold|click|tap|select|check|clear|restart|reboot|reset|unplug|use|open|close|turn|keep|take|"
    r"bring|call|"
    r"contact|visit|dial|log|sign|update|delete|remove|install|uninstall|reinstall|run|wait|add|change|ensure|"
    r"set|put|enter|"
    r"choose|follow|look|refer|plug|swap|power|locate|download|return|pay|ask|speak|read|scan|wash|store|avoid)\b"
)
"""A verb: short answers without one are fragments ("Start and end time")."""

AS_YET = re.compile(
    r"\b(?:currently|at (?:this|the) (?:moment|time)),? (?=(?:we )?(?:don't|do not|only|isn't|is not|not) ?"
    r"(?:offer|support|ship|accept|deliver|provide|possible|supported|sell|have an option)|(?:possible|supported|offer|"
    r"support|ship|accept|deliver|provide)\b)"
)
"""Says that a rule of the company may change one day: "we don't currently ship abroad" is true of everybody."""

PURE = re.compile(
    r"^(?:(?:we |i )?(?:(?:are|'re|am|'m) )?(?:so |very |really )?(?:sorry|apologi[sz]e|apologies)(?: for)?|"
    r"that(?:'s| is| doesn't sound| sounds) (?:really |not |very |definitely |so )?(?:odd|strange|weird|good|great|"
    r"unusual|"
    r"frustrating)|thanks?(?: you)? for|"
    r"our apologies(?: for)?)(?: (?:the|any|your|this|all))?(?: \w+)?(?: (?:caused|info|information|this causes|"
    r"again))?[.!]*$"
)
"""Sorry and thanks for nothing in particular."""

FILLER = re.compile(
    r"^(?:that(?:'s| is| doesn't sound| sounds) (?:really |not |very |definitely |so )?(?:odd|strange|weird|good|great|"
    r"unusual|frustrating)[.!]*|let's (?:look|help|take a (?:closer )?look|see what|get this|dig)\b.*|(?:we|i)(?:'m| "
    r"am|'re| are)?(?: \w+)? (?:sorry|apologi[sz]e|glad|happy|regret|hope|understand|appreciate|"
    r"look forward|love|truly|really|deeply|very|so|thrilled|proud|always)\b(?:[^,;]*|"
    r".*,? and (?:\w+ )?(?:appreciate|apolog).*)|"
    r"we(?:'re| are) always \w+ing.*|we do our best.*|we (?:don't|do not|never) want.*|no bots.*|"
    r"not a bad idea.*|you never know.*|"
    r"we are available.*(?:assist|help|reach).*|we can appreciate.*|(?:definitely )?not the \w+ way.*|"
    r".*we must do better.*|"
    r"(?:(?:so |very |really |truly )?sorry|(?:our |my |sincere )*apologies|thanks?|thank you|thx)\b(?! but\b|"
    r" as\b| however\b)[^,;]*|"
    r"(?:congrat\w*|cool|glad|happy|enjoy|good luck|great|awesome|welcome|have a|take care|gotcha|got it|understood|"
    r"no worries|no problem|sure|of course|nice|your most welcome|well received|you know where|just a follow|"
    r"help has "
    r"arrived|you're|take your|best of|oh|aww?|wow|haha|we can't wait|you(?:'re| are) (?:very |most )?welcome)\b"
    r".*|(?:hi|hello|hey)\b.{0,25}|(?:please )?(?:feel free|do not hesitate|don't hesitate|let us know|"
    r"let me know|keep us|reach out|"
    r"if you (?:ever )?(?:have|need)(?: any)?(?: other| further| more| anything)? (?:questions?|help|assistance|else|"
    r"concerns).*|just (?:shout|give)|give us a shout|we(?:'re| are) (?:always )?here|we(?:'d| would) (?:love|"
    r"like|be happy) "
    r"to)\b.*|your (?:feedback|business|patience).*|(?:i )?hope (?:this|that|it|you|everything).*|.{0,12})$"
)
"""A sentence that wraps an answer, and is none by itself."""

OPENS = re.compile(
    r"^from (?:here|there)\b|"
    r"^(?:unfortunately,? |sorry,? (?:but )?|i'm afraid )?(?:yes,? |no,? )?(?:that(?! our| we| the| there| you)|"
    r"this|they|he|she|those|these|here|(?:yes|no|nope|yeah|yep)(?=[.!,-]|$)|and|but|or|so|also|however|again|"
    r"it(?! (?:takes?|can take|"
    r"usually|normally|may take|is possible|is not possible)|'s (?:(?:not|only|always) )?(?:possible|best|recommended|"
    r"important|free)\b)|its|then|both|same|none|one|maybe|perhaps|"
    r"actually|oh|ah|hair)\b|^(?:yes|no)\b.*\b(?:do|doing) (?:that|this|so)\b"
)
"""How a reply begins that is understood only after what it replies to."""

GENERAL = re.compile(
    r"\b(?:if|unless|whenever|when|once|in order to|to avoid|without)\b|"
    r"\byou(?: \w+ly| just| also| only| still| always)? (?:can|could|must|may|need|have to|cannot|can't|won't|don't|"
    r"do not|only|get|pay|have the|(?:will|would|should|do) (?:need|have to|be able|receive|get|find|be asked|"
    r"be required|"
    r"be charged|be prompted|always)|are (?:able|entitled|eligible|required|allowed|welcome|free|responsible))\b|"
    r"\byou'(?:ll|d) (?:\w+ )?need|\bwe\b(?! (?:apolog|hope|regret|look forward|appreciate|know|understand|love|"
    r"aim))|"
    r"\bour\b|(?:^|[.!?,;:] |\band )(?:please |kindly |just |simply |then |first |also |you can )*(?:try|make sure|"
    r"make certain|go (?:to|ahead)|press|hold|click|tap|select|check|clear|restart|reboot|reset|unplug|use|open|"
    r"close|"
    r"turn (?:on|off|it)|contact|visit|dial|log|sign|update|delete|remove|install|uninstall|reinstall|run|add|ensure|"
    r"be sure|choose|refer|plug|power|download|return|disconnect|perform|let's|disable|enable|restore|locate|"
    r"call|swap|"
    r"switch|change)\b|\b(?:please|kindly|request you to) [a-z]+|\b(?:recommend|suggest|advise)|"
    r"\b(?:usually|typically|normally|generally|never)\b|(?:^|[.!?] )(?:all|any|every|each|most) |"
    r"\b(?:\d+|two|three|four|five|six|seven|ten|fourteen|thirty|one)(?: ?(?:-|–|to|or) ?(?:\d+|two|three|four|five|"
    r"six|seven|ten|fourteen))?[ -](?:\w+ )?(?:days?|hours?|minutes?|weeks?|months?|years?)\b|"
    r"\b(?:must|required|mandatory|allowed|permitted|possible|subject to|valid|eligible|depends?|chargeable)\b|"
    r"\b(?:should|can|may|must|cannot|can't) (?:only |also |not )?be (?:\w+ed|\w+en|made|done|found|sent|bought|"
    r"kept)\b|"
    r"(?:^|[.!?] )\w{3,}ing [^.!?,]* (?:brings?|opens?|shows?|lets|gives|makes|helps|removes?|resets?|costs?|takes?)\b|"
    r"(?:^|[.!?] )(?!(?:it|this|that|he|she)s\b)(?:[a-z]+ ){0,2}[a-z]{3,}s (?:would|can|may|must|don't|do not|need|"
    r"count)\b|"
    r"(?:^|[.!?] )(?:yes,? |no,? )?(?!they|these|those)[a-z]{4,}(?: [a-z]+)? are (?:not )?(?:able|allowed|welcome|"
    r"required)\b|"
    r"\bonly available (?:with|to|for|in|on|through)\b|"
    r"\b(?:can|am) (?:only|also)|\b(?:mon|tue|wed|thu|fri|sat|sun)\w* ?(?:-|–|to|through)"
)
"""What statements hold that are true of everybody: conditions, "you can", "we" in the present, advice, spans of time.

Asked only of what was said once or twice: "Lucca is on the east side" is as likely somebody's search result."""

STANDS = re.compile(
    r"^(?!.*\b(?:it|its|this|that|these|those|they|them|so|there|ones?|here|same|both|either)\b)"
    r"(?:you (?:can|will|need|must|may|don't|cannot|can't)|we (?:(?:do|don't|do not|only|also|can|can't|cannot) )?"
    r"(?!do\b|did\b|have\b|will\b)[a-z]{3,}|our|all|any|(?:[a-z]+ )?[a-z]{4,} (?:are|can|must|cost|take))(?: [^ ]+){3,}"
)
"""What follows a "Yes, " and is understood without the question: "children are able to join with a parent"."""

BARE_QUESTION = re.compile(
    r"^(?:and |ok,? |so |well,? |hi,? )?(?:(?:what|where|which|who|how) (?:is|are|do|does|did|many|much|time|"
    r"colou?r|day|date|city|about)|"
    r"(?:do|did|are|would|will|have) you)\b"
)
"""A question that nobody ended with a question mark."""

UNNAMED = re.compile(
    r"^(?!if (?:it|they)\b)(?:(?!\b(?:an?|the|your|our|any|all|some|every|each|no|most|"
    r"[a-z]{3,}s)\b)[^.!?])*?\b(?:it|they|them|"
    r"these|those)\b"
    r"(?! (?:takes?|can take|usually|normally|may take|is possible|is not possible|is best|depends)|"
    r"'s (?:(?:not|only|always) )?(?:possible|best|recommended|important|free)\b)"
)
"""A sentence that says "it" or "they" before it has named anything: "We do when you purchase it"."""
