"""What ties a sentence to one case, as patterns: an action, a promise, money, a moment, somebody's thing. In English.

`data.reuse` asks these of every answer. Texts arrive in lower case with straight apostrophes; the first pattern that
matches names the reason. The Chinese ones are in `data.claims_zh`.
"""

from __future__ import annotations

import re

_THINGS = (
    "order|parcel|package|refund|booking|ride|account|ticket|balance|reservation|appointment|delivery|shipment|item|"
    "flight|trip|seat|claim|case|request|complaint|report|viewing|party|event|meeting|meal|feedback|details|issue|"
    "problem|concern|subscription|payment|invoice|return|replacement|line|number|service|connection|destination|"
    "driver|"
    "answer|score|room|table|bag|luggage|card|tweet|message|dm|email|e-mail|information|info|experience|business|"
    "patience|query|question|device|daughter|son|wife|husband|sister|brother|friend|mother|father"
)
"""What a customer has one of."""

_DONE = (
    "sent|given|found|taken|made|done|seen|put|got|gotten|had|been|spoken|told|forwarded|passed|begun|brought|paid|"
    "reached|set|reset|let|fed|dm'd|left|kept|held|written|heard|shown|gone"
)
"""Participles that do not end in -ed."""

_SELF = (
    r"(?:we|i|they|he|she|our \w+(?: \w+)?|my \w+|the \w+ (?:team|department)|(?:a|the|our) (?:team|agent|colleague))"
)
_ADVERBS = r"(?:\w+ly |now |just |already |also |both |never |since |even |not |still )*"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_MONEY = (
    "refund|compensat|credit|reimburs|voucher|discount|waive|gift card|goodwill|points|coupon|cash ?back|"
    "free of charge|"
    r"money back|[$£€]\s?\d"
)

MONEY = re.compile(
    rf"\b(?:i|we)(?:'ll| will|'d| would| can| could| am|'m| are|'re| have|'ve| may)\b[^.!?]{{0,60}}(?:{_MONEY})|"
    rf"\b(?:refund|reimburse|compensate|credit) (?:you|your)\b|\byour (?:refund|credit|voucher|compensation|"
    rf"balance)\b|"
    rf"\b(?:issued?|process(?:ed)?|arranged?|offer(?:ed)? you|get you|send you|give you) (?:you )?(?:a |the |your )?"
    rf"(?:full |partial )?(?:{_MONEY})|\b(?:cost|fare|amount|it|fee) (?:should|will|has|have|would) be "
    rf"(?:refund|credit|reimburs|waive)|\byou(?:'ll| will) (?:get|receive|have)[^.!?]{{0,30}}(?:{_MONEY})|"
    rf"\bgoodwill\b|\bth(?:e|is|at) refund\b|"
    r"\b(?:ride|trip|total|flight|room|balance|fare|order|it|one|that)(?: \w+)? (?:will cost|costs?|comes to|is|"
    r"at)(?: \w+)? "
    r"(?:[$£€]\s?\d|\d[\d.,]* (?:dollars|euros|pounds|credits?|per month)\b)|\bfor [$£€]?\d[\d.,]*(?: credits|"
    r" dollars)?$|"
    r"\bprice(?:d)?(?: of| at)? [$£€]?\d"
)
"""Promises money to this customer, or quotes what was looked up for one. "We refund within 5 days" is a policy."""

ACTION = re.compile(
    rf"\b{_SELF}(?:'ve| have| has|'d| had) {_ADVERBS}(?:\w{{2,}}ed|{_DONE})\b|"
    rf"\b(?:we|i|they)(?: (?:just|now|already|also|then|previously|recently))? (?!need)(?:\w{{2,}}[a-z]ed|sent|"
    rf"did|saw|"
    r"found|got|took|gave|told|made|spoke|left|was|were|had|thought|meant|read|called|showed)\b|"
    r"\b(?:successfully|successfuly|succesfully)\b|\b(?:is|are|'s|'re|got|now|all|was) (?:now |all |being )?"
    r"(?:confirmed|booked|scheduled|reserved|cancelled|canceled|resolved|submitted|updated|completed|unlocked|done|"
    r"set|fixed|changed|sorted|registered|active|disconnected|on its way|ready|correct|wrong|right|incorrect)"
    r"(?= ?(?:[.!,]|$|for\b|on\b|at\b|with\b|by\b))|\b(?:was|wasn't|were|weren't|did|didn't)\b|"
    r"^(?:\w+,? )?(?:it is |its )?(?:booked|done|confirmed)\b|"
    rf"\b(?:has|have|had|having) {_ADVERBS}been\b|\b(?:is|are) (?:not )?being\b|\bfailed\b|\bunsuccessful\b|"
    rf"\bwas(?:n't)? able\b"
)
"""Claims that something was done, for somebody or just now."""

PROMISE = re.compile(
    r"\b(?:i|we)(?:'ll| will| shall)(?! (?:never|always|only|not be able|not\b|need))\b|"
    r"\b(?:i|we)(?:'m| am|'re| are|aren't| aren't) (?:\w+ly |now |still |just |also |currently |"
    r"not )*(?:\w{2,}ing|happy|glad|here|aware|"
    r"committed|on it|going)\b|\blet (?:me|our)\b(?! know)|\bwe (?:may|might) (?:need|be|have)\b|(?:^|"
    r"[.!?] )(?:trying|looking|checking|working|awaiting)\b|\ballow me\b|"
    r"\b(?:team|teams|specialist|engineer|agent|manager|someone|somebody|they|he|she|driver|technician|expert|devs|"
    r"developers|department|colleague|colleagues|member|representative|crew|unit|service|doctor)(?:'ll| will|"
    r" should| is| "
    r"are)\b[^.!?]{0,40}\b(?:contact|reach|get back|in touch|call|follow|knock|look|review|help|respond|reply|"
    r"assist|fix|"
    r"investigat|arriv)|"
    r"\byou(?:'ll| will| should)(?: \w+)? (?:be (?:contacted|notified|informed|called|updated)|hear|"
    r"get a (?:call|response|"
    r"reply)|receive (?:a|an|another|your) (?:call|response|reply|e-?mail|update))|"
    r"\b(?:please|kindly) (?:bear|allow|give us|wait|hold|be patient)\b|\brest assured?\b|\bbe assured\b|"
    r"\bassure you\b|"
    r"\b(?:as soon as|asap|shortly|soonest|the earliest|in due course)\b|\b(?:will be|be) (?:sorted|"
    r"taken care of|fixed|"
    r"resolved|looked)\b|\bwe (?:can|could|would)(?: certainly| definitely| also| then| like to| love to|"
    r" try to)* (?:look|"
    r"check|investigat|see what|help|assist|take a|pass|forward|fix|extend|let|try|send|book|get|make|add|offer|"
    r"continue|be happy|share|pop|log)|\bi\b(?!'m (?:afraid|sorry)| am (?:afraid|sorry|only able|unable|"
    r"not able)| (?:can|could) (?:also|only|"
    r"filter|apply|narrow)|'d (?:just |also |strongly )?(?:recommend|suggest|advise)| (?:would |do |strongly |"
    r"just |also )*"
    r"(?:recommend|suggest|advise|apologi[sz]e|hope|understand)\b)|"
    r"\bmy (?:team|colleague|manager|supervisor|end|side|system|name|best|apolog|co-?worker|previous|dm|reply|"
    r"response|pic|"
    r"mother|father|friend|part|behalf)|"
    r"\bwe(?:'d| would| want| need)\b(?! (?:also |always |strongly |just )*(?:recommend|suggest|advise|"
    r"not recommend|encourage|ask that))"
)
"""Says what somebody will do, does, or can do for this customer."""

MOMENT = re.compile(
    r"\bif (?:that's all|that is all|you(?:'re| are) (?:finished|done))\b|\bon (?:the )?\d{4}\b|\b(?:be|"
    r"the) \d{1,2}[:.]\d\d\b|"
    r"\b(?:today|tonight|tomorrow|yesterday|currently|right now|at the moment|at this (?:time|moment|point)|so far|"
    r"for now|just now|earlier|previously|recently|presently|nowadays|soon|still|already|anymore|by now|meanwhile|"
    r"this (?:morning|afternoon|evening|week|weekend|month|year|time|christmas|holiday|season)|"
    r"(?:last|next) (?:night|week|month|year|few|hour|"
    rf"{_DAYS}|step|question)|(?:on|by|until|for|from|since|of) (?:the )?(?:(?:{_DAYS})s?\b(?! (?:to|through|and))|"
    rf"\d{{1,2}}(?:st|nd|rd|th)\b|(?:{_MONTHS})\b)|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})\b|"
    rf"(?:{_MONTHS})\.? \d{{1,2}}\b|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|(?:a few|one|a|couple of) (?:more )?(?:moments?|"
    r"minutes? while)|minutes? (?:away|late)|new departure|once (?:this|it|we|the)\b|in progress|is back|"
    r"now\b(?! on\b)|christmas|black friday|new year|yet|january|february|april|june|"
    r"july|august|september|october|november|december)\b|\bat (?:[01]\d|2[0-3])[0-5]\d\b|"
    r"\b(?:at|by|from|until|for|is|a|an|open|the|@) (?:\d{1,2}(?:[:.]\d\d)? ?[ap]\.?m?\b|"
    r"\d{1,2}[:.]\d\d\b)(?! ?(?:to|-|–))"
)
"""Holds only at one moment. A span of hours ("8 am to 6 pm") does not."""

CASE = re.compile(
    r"\bas (?:discussed|mentioned|informed|advised|explained|requested|checked|promised|agreed|per|you|stated|"
    r"previously)\b|"
    r"\byou(?:'ve| have| had|'d)(?: \w+ly| just| now| already| not)* (?:\w{2,}ed|been|had|sent|given|made|done|"
    r"found|got|"
    r"said|gone|taken|put|told|shared|set|chosen|bought|paid|lost|left|seen)\b(?<!need)|"
    r"\byour (?!bank|local|nearest|browser|data|privacy|device|computer|phone|console|"
    r"router)\w+(?: \w+)? (?:will|should be|was|were|has been)\b|"
    r"\byou totally\b|\bdeserve|\bsit back\b|\bhave you \w+ing\b|\bwill have you\b|\byour needs\b|\buntil your\b|"
    r"\byou(?:'ll| will| should| would) (?:be (?!able|asked|required|charged|prompted|given|notified|refunded)|"
    r"see|love|enjoy|like)\b|"
    rf"\byour (?:{_THINGS}) \w+(?: \w+)? (?:is|are)\b|\byou (?!need)[a-z]{(2,)}ed\b|\byou (?:might|may|should|"
    rf"could|would|must) have \w+(?:ed|en)\b|\bas (?:this|it|that) is\b|"
    r"\bin reviewing\b|\b(?:those|these) (?:details|days|agents|areas|dates|times)\b|\b(?:it|this|that) (?:does|"
    r"do|did)(?:n't| not) (?:look|"
    r"seem|appear)|\b(?:we|i) (?:cannot|can't|could not|couldn't|won't|will not) (?:\w+ )?(?:change|cancel|"
    r"transfer|refund|find|"
    r"locate|see|use|access|view|process) (?:your|it|this|the|that)\b|"
    r"\byou (?:said|mentioned|reported|requested|asked|were|did|got|had|made|gave|sent|told|correctly|"
    r"wanted|missed|provided|shared|called|spoke|feel|both|purchased|booked|bought)\b|\byou(?:'re| are) "
    r"(?!able|welcome|required|free|entitled|unsure|unable|not able|using|eligible|looking to|a |an |away|"
    r"charged|allowed|"
    r"asked|advised|put|responsible|covered|happy)|\bsince you|\bin (?:this|that|your) case\b|\bwhat you mean\b|"
    r"\b(?:didn't|don't) (?:quite )?(?:get|understand|catch)\b|\byour (?:\w+ )?"
    rf"(?:{_THINGS})s? (?:has|have|had|was|were|will be|isn't|is|are|did|does|should|shows?|appears?|needs?)\b|"
    r"\b(?:it|this|that|there) (?:looks?|seems?|sounds?|appears?|may be|may have|might|must be|shouldn't|"
    r"should(?! (?:help|work|fix|do|take|resolve|solve|reset|restore|silence|be enough)))\b|"
    r"^(?:\w+,? )?(?:looks?|seems?|sounds?|appears?) (?:like|to)\b|"
    r"\b(?:we|i)(?:'re|'m| are| am| can)?(?: \w+ly)? (?:show|showing|see|seeing|unable to (?:see|view|find|"
    r"locate)|not "
    r"(?:able to see|seeing|showing))\b|\b(?:he|she|him|her|his|hers|himself|herself)\b|"
    r"\bthis (?!(?:is|can|will|would|may|should|also|way|link|allows?|means?|includes?|helps?|depends?|does|"
    r"applies|channel|"
    r"platform|to|causes|option|wouldn't|isn't|won't|doesn't|can't|feature|happens|gives|lets|ensures|makes|"
    r"works|usually|normally|only|page|website|policy|offer)\b)|"
    r"\babout this\b|\bthat (?:journey|booking|fare|name|number|account|route|product|area|device|app|period|"
    r"message|issue|one|flight|train|order|item|store|ticket|day|date|restaurant|hotel|time|"
    r"location|far|many|criteria)\b|(?:^|[.!?,] )that(?:'s| (?:is|was|would|will|does|isn't|explains))\b|"
    r"\bduring that\b|\b(?:the|an|this|that) (?:issue|problem|matter|"
    r"situation|incident|stated|concern|inconvenience|confusion|delay|mistake|disruption)s?\b(?! (?:with your|"
    r"persists|"
    r"continues|occurs|happens))|\bto your (?:flight|order|account|trip|request)\b|"
    r"\bnote that you\b|\bon your (?:left|right)\b|\bon the (?:left|right)\b|\bturn (?:left|right)\b|"
    r"\b\w+ is due to\b|^due to|\bdelayed\b(?<!if delayed)|\bmarked as\b|\byou in\b|\binstructions? are\b|"
    r"\byour? (?:medicine|medication|dose)s?\b|"
    r"\btimes a day\b|\bcheck your (?:mailbox|inbox|e-?mail|dms?|messages?|spam)\b"
)
"""Points at what this customer said, has or met."""

FOUND = re.compile(
    r"\b(?:is|are|'s|'re|it's|not|was|no longer|currently|looks) (?:\w+ )?(?:un)?available\b(?! (?:24|online|"
    r"in all|to all|"
    r"for all|on (?:our|the|all)|at (?:our|all)|from|via|through|until|when|if|after|\d|in (?:our|every|most)))|"
    r"(?<!subject to )(?<!more )(?<!check )\bavailability\b(?! may| can)|\bavailable[.!]?$|"
    r"\b(?:there(?:'s| is| are| was)) (?:no|an?|still|plenty|\d+|currently|one|only)\b(?! (?:fee|charge|limit|"
    r"option|way|"
    r"need|feature|minimum|maximum|cost|extra|difference|age))|\b(?:i|we|i've|we've|have|has|just) found\b|"
    r"\bfound (?:a|an|the|one|no|for)\b|"
    r"\b(?:nothing|none) (?:found|available|match)|\brating\b|"
    r"\b(?:in|out of|into|back in|of) stock\b|\bstocks? (?:it|this|of)\b|\bsold out\b|\bwaitlist|\bfully booked\b|"
    r"\b(?:cheap|expensive|moderate|moderately)\b|\bserves?\b|\bflight id\b|\bid (?:is )?\d|\bplate\b|"
    r"\bmatch(?:es|ing)? "
    r"(?:your|all)\b|\bslot\b|\bis (?:in the )?(?:north|south|east|west|center|centre)\b|\bwill be (?:\w+ing|"
    r"on your)\b|"
    r"\b(?:north|south|east|west) (?:on|onto|side|of|part|park|end)\b|\bget off (?:at|the)\b|\bstops\b|"
    r"\bwalk (?:east|west|north|south|for|in|one|away|past|\d)|(?:^|the )next (?:bus|train|flight|service|"
    r"connection|available)(?= (?:is|leaves|departs|will|to|from|would|one|slot))|"
    r"\b(?:arrive|there|be|up|away|here) in (?:about )?\d+ min|\b(?:gate|platform|seat|aisle|row) [a-z]?\d+\b|"
    r"\bplease bring (?!your\b|a\b|it\b|the (?:item|product|receipt))|_{2,}|\b\d+ more\b|\bwe (?:don't|"
    r"do not) have (?:any|that|an|specific|further|more) (?:\w+ )?(?:info|information|update|news|eta|"
    r"estimated|date)|\boffer (?:anything|you)\b|\bwe have (?:the|an?) (?:\w+ ){1,3}(?:venue|flight|room|table|"
    r"hotel|restaurant|apartment)\b|\bgreat job\b|\bcorrectly\b|\bscore\b|"
    r"\bstores? stocks?\b|\bdrive for\b|\byou will pass\b|\bis (?:called|named)\b|\bconflicting\b|"
    r"\bblocks?\b(?= until| west| east|$)|\bhas (?:a|an|\d+) "
)
"""Was looked up for one customer: availability, stock, a search result."""

DANGLING = re.compile(
    r"(?:\b(?:here|link|links|article|below|steps|page|post|forum|forums|to|at|via|visit|see|following|info|and|"
    r"or|the|"
    r"or on|of|on|for|is|with|by)\s*(?:[:>]+\s*\.?|[-–]?)$)|:[.\s]*$|\b(?:here|via)\s*[.]|"
    r"\b(?:here|link|article|page|steps|post|below|at|via|to|visit|through|see|this) ?: ?(?![/a-z]*\w+\.\w)|"
    r"\bat\.|\bto\.$|"
    r"\b(?:this|the|following|next|our|that|a) (?:link|article|resource|guide|thread|tweet|attached)s?\b|\blink "
    r"(?:below|above|on)\b|\b(?:here|below|above|via)\.?$|\bcheck out (?:for|the next)\b|\b(?:see|visit|at|to|"
    r"here:?|via|on|"
    r"go to|from) (?:to|for|in on|and|via|,|&|in or)\b(?! (?:from|back|the))|>>|\.\.|…|(?<!\d)\d ?/ ?\d(?!\d)|"
    r"/\d$|\bit's$|\(cont|\b(?:given|see|provided|attached) links?\b|\(\d\)?$|\bcont(?:d|inued)?\b\.?\)?$|"
    r"^[(\[]|\b(?:be|you|your|which|can|will|need|"
    r"a|an|is|are|if|their|our|not)$|"
    r"^\d\)|^\d: |(?<!is)(?<!of)(?<!to)(?<!at)(?<!than)\s\d$|^(?:cont|cause|account|and|or|but|than|which|then|"
    r"because|however|although)\b|__\w+__|@\w+|\buser\b(?= (?:for|and|service))|,$|\bclick (?:here|below|the|on)\b|"
    r"\b(?:use|using|follow|by) (?:the|this|these) (?:link|form|step)"
)
"""Points at a link that is not there, or was cut off."""

ASKS = re.compile(
    r"\b(?:dms?|pm (?:us|me)|direct messages?|private messages?|screen ?shots?)\b|\b(?:send|give|share|tell|"
    r"provide|message|forward|post|"
    r"e-?mail|drop|shoot|write)(?: over)? (?:to )?(?:us|me)\b|\b(?:please|kindly|pls|request you to|"
    r"requested? to|and) "
    r"(?!don't|do not|never|avoid)(?:\w+ )?(?:confirm|provide|share|send|specify|advise|elaborate|enter|state|"
    r"tweet|post|reply|respond|follow us|follow "
    r"and|update us|explain|describe|attach|upload|revert)\b|\bplease[.!]?$|\bare you able\b|"
    r"\btry to (?:remember|get|check if you)\b|\blet (?:us|me) know(?! (?:if|how|whether|about|should|when "
    r"(?:it|that)|here))|\b(?:could|can|may|might|would|will|do|did|have|has|are|is|were|was|should|"
    r"shall) (?:you|we|i|it|they)"
    r" (?!can\b)[^.!?]*\?|\bwould you (?:mind|like|please|prefer)|\bif you(?:'d like| would like| want| could|"
    r" can|'d prefer|"
    r" don't mind)[^.!?]{0,60}\b(?:dm|send|share|let us|let me|provide|tell|give us|post|me\b)|\bi(?:'ll| will|"
    r"'d| would|) need\b|"
    r"\b(?:mother's maiden|childhood pet|security (?:question|answer)s?|your pin|date of birth)\b|"
    r"\bkeep (?:us|me) (?:posted|updated|in the loop)|\breport back\b|\bwhat(?:'s| is| are| was) your\b"
)
"""Wants something of the customer; the answer is still to come."""

ASKS_DATA = re.compile(
    r"\b(?:what(?:'s| is| was)|may i have|can i (?:have|get|ask)|could i (?:have|get|ask)|could you (?:please )?"
    r"(?:tell|give|send|share|provide|confirm)|can you (?:please )?(?:tell|give|send|share|provide|confirm)|"
    r"please (?:tell|give|send|share|provide|confirm|enter|specify|dm)|i(?:'ll| will)? need|i(?:'d| would) need|"
    r"let me (?:have|know)|dm (?:us|me)|send (?:us|me)|which|when|what)\b[^.!?]{0,60}?"
    r"\b(?:your|you|the) (?:full |order |customer |account |e-?mail |phone |booking |date of |post(?:al)? ?)*"
    r"(?:name|number|address|code|pin|password|id|order|account|e-?mail|phone|birth|details|reference|date|size)\b",
)
"""Asks for a name, a number, a password: also in an answer that was given often."""

ADVICE = re.compile(
    r"\b(?:can|could) (?:you|u) (?:please |also |just |kindly |maybe |quickly )*(?:try|restart|reboot|unplug|"
    r"clear|check for|"
    r"uninstall|reinstall|reset|disable|update|remove|disconnect|log out|sign out|turn|take|make sure)\b[^.!?]*[?.]|"
    r"\b(?:did|have) you (?:try|tried)(?: to)? [^.!?]*\?(?= (?:that|this|it|you|an?|we|the|if)\b)|"
    r"[^.!?]*\?(?= if (?:so|yes|not),?\b)|\bdoes (?:that|this|it) (?:make a difference|help|work)\?|"
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
    r"(?:until|before|as long as) (?:we|it|they)) "
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

PURE = re.compile(
    r"^(?:(?:we |i )?(?:(?:are|'re|am|'m) )?(?:so |very |really )?(?:sorry|apologi[sz]e|apologies)(?: for)?|"
    r"thanks?(?: you)? for|"
    r"our apologies(?: for)?)(?: (?:the|any|your|this|all))?(?: \w+)?(?: (?:caused|info|information|this causes|"
    r"again))?[.!]*$"
)
"""Sorry and thanks for nothing in particular."""

FILLER = re.compile(
    r"^(?:(?:we|i)(?:'m| am|'re| are)?(?: \w+)? (?:sorry|apologi[sz]e|glad|happy|regret|hope|understand|appreciate|"
    r"look forward|love|truly|really|deeply|very|so|thrilled|proud|always)\b(?:[^,;]*|"
    r".*,? and (?:\w+ )?(?:appreciate|apolog).*)|"
    r"we(?:'re| are) always \w+ing.*|we do our best.*|we can appreciate.*|(?:definitely )?not the \w+ way.*|"
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
    r"^(?:unfortunately,? |sorry,? (?:but )?|i'm afraid )?(?:that|this|they|he|she|those|these|here|yes|no|nope|"
    r"yeah|yep|and|but|or|so|also|however|again|it(?! (?:takes?|can take|"
    r"usually|normally|may take|is possible|is not possible))|its|then|both|same|none|one|maybe|perhaps|"
    r"actually|oh|ah|hair|"
    r"there)\b"
)
"""How a reply begins that is understood only after what it replies to."""

PLAINLY = re.compile(
    r"\bi(?:'ve| have)(?: just| now| already)? \w+|\bi (?:just |now )?(?:checked|opened|sent|cancelled|canceled|"
    r"changed|forwarded|escalated|created|booked|can see|see that)\b|\bi(?:'ll| will)\b|\bi(?:'m| am) (?:\w+ly |"
    r"now |still |just )*(?:\w{2,}ing|here)\b|\blet me\b(?! know)|\bmy (?:team|colleague|manager|supervisor)|"
    r"\b(?:team|specialist|agent|manager|someone|driver|they|colleague)s?(?:'ll| will) (?:take over|contact|"
    r"call|get back|reach|be in touch|help|pick)|\bwe(?:'ve| have)(?: just| now| already)? (?:checked|sent|"
    r"cancelled|canceled|changed|refunded|forwarded|escalated|created|updated|booked|noted|added|removed|passed|"
    r"found|received|issued|credited|logged)\b|"
    rf"\byour (?:\w+ )?(?:{_THINGS})s? (?:has been|was|were|will be|is (?:now|on its way|ready|confirmed|booked|"
    rf"being|cancelled|canceled|complete|scheduled|\W?\d|\w+ minutes))|\b(?:is|are|'s|was|has been)(?: now| all|"
    rf" both)* (?:confirmed|booked|scheduled|reserved|submitted|updated|unlocked)(?= ?(?:[.!,]|$|for\b|on\b|"
    rf"at\b|with\b))|^(?:\w+,? )?(?:booked|done|confirmed)\b|\b(?:successfully|successfuly|unsuccessful)\b|"
    rf"\b(?:has|request|reservation|booking|it|payment) failed\b|\bwas(?:n't)? able\b|"
    rf"\bunfortunately\b[^.!?]*\b(?:match|available|failed)\b|\b(?:is|are) (?:not |no longer |currently |"
    rf"still )*(?:un)?available (?:at|for your|on \w+day|any)|\b(?:minutes?|miles?|blocks?) away\b|"
    rf"\bfind your\b|\b(?:yesterday|today|tonight|tomorrow|this (?:morning|afternoon|evening))\b|\b(?:i|"
    rf"we)(?:'ll|'ve| will| have)(?: \w+)? (?:refund|reimburse|compensate|credit)(?:e?d)? you\b|"
    rf"\byour (?:refund|credit|compensation|balance|score|driver|answer|instructions) (?:is|are|has|was|will|"
    rf"of)\b|\bgoodwill\b|\b(?:he|she)(?:'s|'ll| is| will| has| was)\b|\bi (?:don't|do not|cannot|"
    rf"can't) (?:quite )?(?:understand|find|have that|see)|\bgreat job\b|\bdid you\b|"
    r"\b(?:it|this|that) (?:looks|seems|appears)\b|\bconflicting\b|\bturn (?:left|right)\b|\bwalk (?:for|east|"
    r"west|north|"
    r"south)\b|\byour? (?:medicine|medication)\b|\btimes a day\b|\bwe(?:'re| are) (?:now |still |currently )?(?!open|"
    r"offering|using|closing|getting|growing)\w{3,}ing\b|\bauthenticate you\b|\b(?:provide|follow) the (?:same|"
    r"steps)\b|"
    r"\binformation you have provided\b|\b(?:mother's maiden|childhood pet|date of birth|your pin)\b|\bplease[.!]?$|"
    r"\bplease (?:provide|tell|send|specify|enter) (?:me |us )?(?:your|the)\b|\bplease let (?:us|me) know your\b"
)
"""The plainest signs of all that, for answers that agents gave again and again: their wording needs less doubt."""

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
    r"\b(?:can|am) (?:only|also)|\b(?:mon|tue|wed|thu|fri|sat|sun)\w* ?(?:-|–|to|through)"
)
"""What statements hold that are true of everybody: conditions, "you can", "we" in the present, advice, spans of time.

Asked only of what was said once or twice: "Lucca is on the east side" is as likely somebody's search result."""

BARE_QUESTION = re.compile(
    r"^(?:and |ok,? |so |well,? |hi,? )?(?:(?:what|where|which|who|how) (?:is|are|do|does|did|many|much|time|"
    r"colou?r|day|date|city|about)|"
    r"(?:do|did|are|would|will|have) you)\b"
)
"""A question that nobody ended with a question mark."""

_SENTENCE_WORDS = (
    "Unfortunately|Also|Please|Sorry|Apologies|Yes|No|Sure|However|Kindly|Hello|Hi|Hey|Thanks|Then|Otherwise|"
    "Currently|Ok|OK|"
    "Okay|Usually|Normally|Typically|Generally|Once|First|Second|Finally|Next|Alternatively|Additionally|"
    "Furthermore|Note|If|"
    "When|For|In|On|At|To|As|Of|With|Absolutely|Certainly|Right|Well|Now|So|Great|Perfect|Correct|Indeed|"
    "Instead|Plus|And|"
    "But|Or|Because|Since|While|Exactly|True|Actually|Basically|Simply|Just|Besides|Still|Here|There|Today|"
    "Outside|Inside|"
    "Afterwards|Similarly|Likewise|Therefore|Thus|Regards|Cheers|Rgds"
)
PERSON = re.compile(
    rf"^(?!(?:{_SENTENCE_WORDS})\b)[A-Z][a-z]{{2,}},\s(?!(?:(?!I\b)[A-Z]|and\b|or\b))|"
    r"[a-z!?]{2,},\s[A-Z][a-z]{2,}(?:[.!?]|\s[-–]|[^\w.,]*$)|\b(?:Hi|Hello|Hey|Dear|Sorry|Apologies|Thanks|"
    r"Oh my|Yes|Unfortunately|Regards),?"
    r"\s(?!(?:I|The|We|You|For|About|To|That|If|But)\b)[A-Z][a-z]{2,}\b(?![-/])|\b(?:Dr|Mr|Mrs|Ms|Prof)\.? [A-Z<]|"
    r"\b(?:name is|named|called|ask for|speak to|contact) (?!(?:Customer|Support|Us|The|"
    r"Our)\b)[A-Z][a-z]+\b(?=[.,!]| (?:in|at|from)\b)|"
    r"\b[A-Z][a-z]+ (?:is|will be|are) (?:currently |your driver|out of the office)|"
    r"\b[A-Z][a-z]+ [A-Z][a-z]+'s post\b|"
    r"\bdriver (?:will be|is) [A-Z]"
)
"""Somebody called by name: a vocative, a title, a colleague. On the text as written: only capitals tell."""

_PEOPLE = (
    r"(?:women|men|girls|muslims|jews|christians|hindus|blacks?(?: people)?|whites?(?: people)?|asians|arabs|"
    r"africans|mexicans|"
    r"indians|chinese(?: people)?|gays?|lesbians|trans(?: people)?|immigrants|foreigners|refugees|gypsies|old people|"
    r"poor people|disabled people|fat people)"
)
OFFENSIVE = re.compile(
    r"\b(?:f+u+c+k\w*|f\*+\w*|bull ?shit\w*|shit(?:ty|head)?|asshole\w*|arsehole\w*|bitch\w*|bastard\w*|cunt\w*|"
    r"dickhead\w*|"
    r"wank\w*|moron\w*|idiot(?!-proof)\w*|imbecile\w*|retard(?:ed|s)?|dumbass\w*|scumbag\w*|slut\w*|whore\w*|nigg\w+|"
    r"fagg?ots?|spastics?|tranny|trannies|chinks?|kikes?|wetbacks?|ragheads?|shut up|go to hell|screw you|"
    r"piss off|kill "
    r"yourself|drop dead)\b|\b(?:you(?:'re| are)|you must be) (?:so |too |just |such |really |"
    r"being )?(?:an? )?(?:stupid|dumb|"
    r"crazy|ugly|fat|pathetic|worthless|liar|lying|an? joke|ignorant|ridiculous)\b|\bstupid (?:customer|people|"
    r"question|you)|"
    rf"\byou people\b|\bgo back to your (?:own )?country\b|\bpeople like you\b|\b(?:all|those|these|typical|no|"
    rf"don't serve|"
    rf"not (?:for|serve|accept)) {_PEOPLE}\b|\b{_PEOPLE} (?:are|can't|cannot|should(?:n't| not)?|must|always|"
    rf"never|do not|"
    rf"don't) (?:all |so |too |be |just )?(?:bad|worse|lazy|stupid|dirty|criminal|thie|liar|inferior|dangerous|"
    rf"drive|think|"
    r"allowed|welcome|trusted|weak|stay|shop|count|understand)"
)
"""Insults, slurs, sentences about groups of people. Small on purpose: no bot shall repeat an agent's lapse."""
