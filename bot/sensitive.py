"""Matters that are a person's from the first word on: injuries, fraud, legal threats, abuse, and lives in danger.

Rules, not a model: they must hold on the first day, for every shop, and a miss is worse than a hand-over too many. What
they find and miss is measured by ``python -m bench entities --only sensitive``.
"""

from __future__ import annotations

import re

TOPICS = ("self_harm", "injury", "fraud", "abuse", "legal")
"""The most pressing first: a message that touches several is named after it."""

_WHO = (
    "(?:my|me|i|he|she|we|us|our|his|her|son|daughter|child|kid|baby|wife|husband|mother|father|dog|cat"
    "|someone|somebody)"
)
_BODY = (
    "(?:hands?|fingers?|arms?|legs?|foot|feet|face|eyes?|skin|head|back|neck|knees?|ankles?|wrists?|teeth|tooth"
    "|nose|ribs?|toes?)"
)
_BODY_ZH = "(?:手指|手臂|手|胳膊|腿|脚|脸|眼睛|皮肤|头|背|脖子|膝盖|牙|鼻子|肋骨|身上|孩子|小孩|宝宝|老人|我)"
_HARM = (
    "(?:burn(?:ed|t)?|scald(?:ed)?|cut|injur(?:ed|y|ies)|hurt|bruised|broke|fractured|sprained|crushed|stung|bitten)"
)
_HARM_ZH = "(?:烧伤|烫伤|划伤|割伤|砸伤|扎伤|夹伤)"

_PATTERNS: dict[str, tuple[str, ...]] = {
    "self_harm": (
        r"\b(?:kill|hurt|harm|hang|cut)(?:ing)? myself\b",
        r"\bsuicid\w*",
        r"\bend(?:ing)? (?:it all|my (?:own )?life|everything for good)\b",
        r"\b(?:don'?t|do not|no longer) want to (?:live|be alive|exist|wake up)\b",
        r"\b(?:want|wish|going|ready) (?:to|i could|i was|i were) (?:die|dead|be dead)\b",
        r"\bnothing (?:left )?to live for\b",
        r"\bbetter off (?:dead|without me)\b",
        r"\blife is(?:n'?t| not) worth\b",
        "自杀|自残|自尽|寻死|轻生|跳楼|割腕|不想活|活不下去|一了百了|死了算了",
        "活着没(?:有)?(?:意思|意义)|结束(?:我的|自己的)?生命",
    ),
    "injury": (
        r"\b(?:went|go|gone|going|taken|rushed|brought|is|was|am|are|ended up) (?:to |in )(?:the )?(?:hospital|a&e)\b",
        r"\b(?:ambulance|emergency room|stitches|concussion|unconscious|electrocuted|poison(?:ed|ing))\b",
        rf"\b{_HARM}\b(?: \w+){{0,2}} {_WHO}?\s?(?:\w+ )?{_BODY}\b",
        rf"\b{_WHO}\b(?: \w+){{0,2}} (?:got |was |were |is |are |been |be )(?:badly |seriously |slightly )?"
        r"(?:injured|hurt|burned|burnt|scalded|electrocuted|bleeding|cut by|choking)\b",
        rf"\b{_WHO}(?: (?!boot|tent|sleeping)\w+)? {_BODY} (?:is|are|was|were|got) "
        r"(?:broken|bleeding|burned|burnt|injured|hurt|cut|swollen|numb)\b",
        r"\b(?:injured|electric shock|i'?m bleeding|am bleeding|bleeding (?:from|because))\b",
        r"\ballergic (?:reaction|shock)\b",
        r"\b(?:anaphyla\w+|choked|suffocat\w+)\b",
        r"(?<!machine )(?<!atm )\bswallowed\b(?! my card| the card| mine| it up)",
        r"\b(?:caught|catch(?:es|ing)?|is on|set|burst into) (?:on )?(?:fire|flames?)\b",
        r"\b(?:exploded|explodes|explosion|blew up in|smokes and|smok(?:es|ing) (?:while|when|and))\b",
        r"\bburnt and smoke\w*\b",
        r"\bgas (?:\w+ )?leak\w*\b.*\b(?:dizzy|sick|nausea\w*|faint\w*|headache|ill)\b",
        r"\bfelt dizzy\b|\bfumes\b.*\b(?:sick|dizzy)\b",
        r"\b(?:driver|courier|van|truck|car)\b(?: \w+){0,2} (?:hit|ran over|ran into|crashed into|knocked)\b",
        r"\b(?:cut|hurt|burn(?:ed|t)?|injured) (?:himself|herself|themselves|yourself|itself)\b",
        r"\bfell (?:off|down|over)?\b.*\b(?:broken|broke|hurt|injur\w+)\b",
        rf"{_BODY_ZH}.{{0,6}}(?:{_HARM_ZH}|骨折|流血|出血|受伤|肿了|破了皮|过敏)",
        rf"(?:{_HARM_ZH}|电到|触电|伤到|弄伤).{{0,4}}(?:了|{_BODY_ZH})",
        "受伤|骨折|送医院|进医院|去医院|急诊|救护车|住院|起疹子|误食|中毒|窒息|晕倒|昏迷|吞(?:下去|了|进)",
        "过敏(?!.{0,4}[吗么?？])(?:了|，|,|.{0,6}(?:疹|肿|痒|红))",
        "起火|着火|爆炸|自燃|冒烟|漏电|(?:漏气|泄漏|漏煤气).{0,12}(?:头晕|恶心|难受|呕吐)",
        "(?:撞|轧|压)(?:了|到|伤|倒).{0,6}(?:车|人|我|孩子)",
    ),
    "fraud": (
        r"\b(?:phishing|scam(?:mer)? (?:mail|e-?mail|call|text|message|site))\b",
        r"\bfake (?:site|website|shop) in your name\b",
        r"\bidentity (?:theft|was stolen|has been stolen)\b",
        r"\b(?:hacked|hijacked|taken over|compromised)\b.*\b(?:account|card|order\w*)\b",
        r"\baccount\b.*\b(?:hacked|hijacked|compromised|taken over)\b",
        r"\b(?:used|using|stole|stolen|cloned|charged)\b.{0,200}\b(?:card|account|identity|bank)\b.{0,200}"
        r"\b(?:without (?:my|asking|permission|consent)|theft|not me)\b",
        r"\b(?:never|did ?n[o']t|didn'?t|have ?n[o']t|haven'?t) (?:authori[sz]ed?|approved?|agreed? to|made?) "
        r"(?:\w+ ){0,3}(?:payment|charge|transaction|purchase)\b",
        r"\bunauthori[sz]ed\b|\bfraudulent\b",
        r"\borders?\b.*\bi (?:did ?n[o']t|didn'?t|did not|never) (?:place|make|order|placed|made)\b",
        "盗刷|诈骗|冒用|冒充|钓鱼(?:短信|邮件|网站|链接)|盗窃",
        "(?:账号|账户|帐号|帐户|卡|身份).{0,4}(?:被盗|被黑|盗用|被人用)",
        "(?<!是)不是我(?:本人)?(?:下的?|操作|付的?|买的?|刷的?)",
        "(?:未经|没有?|没经过)(?:我的?)?(?:同意|授权|允许).{0,6}(?:扣|刷|支付|付款)",
    ),
    "abuse": (
        r"\b(?:threatened|assaulted|harass(?:ed|ing|ment)?|molest(?:ed|ing|ation)|groped|stalk(?:ed|ing)|inappropriately)\b",
        r"\b(?:racist|sexist|discriminat\w+|homophobic|slur)\b",
        r"\b(?:touched|grabbed|pushed|punched|slapped|spat (?:at|on)|swore at|insulted) (?:me|us)\b",
        "威胁(?:我|我们|到我)|骚扰|辱骂|骂(?:我|人|了我)|歧视|动手动脚|打(?:了我|我了|人了)|跟踪我|恐吓",
    ),
    "legal": (
        r"\b(?:lawyers?|solicitors?|attorneys?)\b(?! at )(?!'s address)",
        r"\b(?:sue|suing|sued) (?:you|your|the|them|this)\b|\bi(?:'ll| will| shall|'m going to)? sue\b",
        r"\blawsuits?\b|\blegal (?:action|steps?|proceedings|advice|team|consequences)\b",
        r"\bsmall claims\b|\bcease and desist\b",
        r"\b(?:go(?:ing)?|take|taking|took|see|meet|drag) (?:you |this |it )?(?:(?:all the way )?to|in) court\b",
        r"\b(?:police report|call(?:ing)? the police|go(?:ing)? to the police|press charges|file charges)\b",
        r"\breport(?:ed)? (?:you|this|it) to the police\b",
        r"\bconsumer (?:protection|rights?|advice|council|affairs)\b|\btrading standards\b|\bbetter business bureau\b",
        r"\bombudsman\b|\bdata protection (?:authority|officer)\b|\bregulator\b",
        "律师函?(?!事务所)|起诉|诉讼|告(?:你们|上法庭|到法院)|法院见|法庭见|上法院|报警|报了警|派出所",
        "走法律(?:程序|途径)|法律(?:手段|途径|责任)",
        r"消协|消费者协会|[打拨投告].{0,4}123[14]5(?!\d)|(?<!\d)123[14]5.{0,4}(?:投诉|举报)|工商局?投诉|市场监督|监管部门|银保监",
    ),
}
_FOUND = {topic: re.compile("|".join(patterns), re.IGNORECASE) for topic, patterns in _PATTERNS.items()}
_HARMLESS = re.compile(
    r"\b(?:burn(?:ed|t)? (?:my|the) (?:toast|food|dinner|pan|pot|coffee)|kill(?:ing)? (?:time|my shoulders|my back))\b"
    "|(?:会|能)(?:不会)?(?:着火|起火|爆炸|冒烟|过敏|中毒)|防(?:火|爆)"
    "|发票.{0,6}(?:法院|律师)|(?:法院|律师).{0,6}发票",
    re.IGNORECASE,
)


def sensitive_topic(text: str) -> str | None:
    """One of ``TOPICS`` that a customer's message touches, or None.

    Args:
        text: What the customer wrote, in English or Chinese.
    """
    plain = _HARMLESS.sub(" ", text.replace("’", "'"))
    return next((topic for topic in TOPICS if _FOUND[topic].search(plain)), None)
