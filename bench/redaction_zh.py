"""Chinese customer messages with personal data, made from our own templates: what bench `redaction` measures on.

The templates with an even number are for tuning, those with an odd number for the figures; the two share no template.
Names come from Faker, which the redaction of Chinese text does not read; addresses are put together from real towns
and invented streets.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from data.national_ids import is_resident_id

TEMPLATES = (
    "你好，我叫{name}，上周买的外套想退货，手机号{mobile}",
    "收件人：{name}，电话：{mobile}，地址：{address}",
    "我是{name}，请问我的快递什么时候到？",
    "麻烦把地址改成{address}，谢谢",
    "身份证号{id}，麻烦帮我查一下实名认证",
    "您好{name}女士，您的包裹已经发出，请注意查收",
    "帮我查一下{name}的订单，电话是{mobile}",
    "快递发到{address}，收货人写{name}",
    "昨天是{name}接待我的，态度很好，想表扬一下",
    "退款还没收到，联系我{mobile}，姓{surname}",
    "请寄到{address}，门卫代收就行",
    "我的身份证是{id}，姓名{name}，护照弄丢了怎么办",
    "这个订单是我老公{name}下的，能用我的账号退吗？",
    "我妈{name}说没有收到短信，她的号码是{mobile}",
    "客服{name}昨天答应给我补发，到现在没有消息",
    "我住在{address}，这边可以上门取件吗",
    "请联系我的助理{name}，电话{mobile}",
    "{name}您好，关于您反映的问题我们已经转给仓库处理",
    "发票抬头写个人，名字是{name}，寄{address}",
    "之前跟{name}经理沟通过，她说可以换一台新的",
    "我搬家了，新地址是{address}，旧的不要再用了",
    "实名信息填错了，应该是{name}，{id}",
    "电话打不通，请打{mobile}找{name}",
    "{name}，{mobile}，{address}",
    "能不能让{name}给我回个电话？我打了三次都没人接",
    "包裹被{name}签收了，可是我们公司没有这个人",
    "请问{address}附近有你们的门店吗",
    "本人{name}，身份证号码{id}，申请注销账户",
    "礼物是送给朋友{name}的，请不要放价格单",
    "送货地址：{address}（靠近地铁站），手机{mobile}",
    "我和{name}一起拼的单，为什么只退了我的？",
    "号码是{mobile}，不是之前那个，麻烦改一下",
    "会员登记的是我太太{name}，可以改成我吗",
    "师傅说送到{address}，结果根本没来",
    "你们的{name}说今天会处理，请问进展如何？",
    "我的手机{mobile}收不到验证码",
    "寄件人{name}，寄件地址{address}，麻烦开个电子面单",
    "刚才和{name}聊过，断线了，可以继续吗",
    "我叫{name}，住{address}，冰箱坏了要维修",
    "身份证{id}显示已被注册，怎么回事",
    "联系人{name} {mobile} 下午三点以后有空",
    "退货地址是不是{address}？我怕寄错了",
    "感谢{name}的耐心解答，问题解决了",
    "请把发票寄给{name}，地址还是老地方",
    "我弟弟{name}的账号登录不上，绑定手机{mobile}",
    "{surname}先生您好，请提供一下您的手机号，是{mobile}吗？",
    "可以改送到公司吗？{address}，前台{name}收",
    "我要投诉快递员{name}，把箱子扔在门口就走了",
    "预约人{name}，证件号{id}，明天上午到店",
    "我在{address}，显示不在配送范围内",
    "给{name}充值的话费充错号了，应该充{mobile}",
    "安装师傅{name}约的是周六，到现在没联系我",
    "麻烦核对：{name} / {id} / {mobile}",
    "房东{name}让我把净水器装在{address}",
    "你好，我想找一下{name}，他之前负责我的售后",
    "帮忙备注一下，让快递放到{address}的驿站",
    "代付的是我同事{name}，退款退给谁？",
    "用户{name}来电，回访电话{mobile}，要求加急",
    "学校不让进，快递放{address}，打{mobile}",
    "我们老师叫{name}，想给她订一束花",
    "姓名：{name}\n手机：{mobile}\n地址：{address}",
    "这是{name}的身份证{id}，麻烦登记一下",
    "请问是{name}本人吗？是的，我就是",
    "从{address}寄到北京要几天",
    "家里老人{name}不会用手机，能打座机吗",
    "我想把收货信息换成{name}，{mobile}",
    "上门时间改到周日，地址{address}不变",
    "{name}这个账号为什么被冻结了？",
    "订单写的是{name}收，实际要给{name}，改一下吧",
    "寄到这里：{address} {name} {mobile}",
    "请问王府井店还有货吗？我想买两件",
    "优惠券为什么不能用，满三百减五十那张",
    "什么时候发货？已经等了一个星期了",
    "这款手机支持5G吗，颜色有几种",
)

_TOWNS = (
    ("北京市", "朝阳区"), ("北京市", "海淀区"), ("上海市", "浦东新区"), ("上海市", "徐汇区"),
    ("广东省广州市", "天河区"), ("广东省深圳市", "南山区"), ("浙江省杭州市", "西湖区"), ("江苏省南京市", "鼓楼区"),
    ("四川省成都市", "武侯区"), ("湖北省武汉市", "洪山区"), ("陕西省西安市", "雁塔区"), ("重庆市", "渝北区"),
    ("天津市", "和平区"), ("福建省厦门市", "思明区"), ("山东省青岛市", "市南区"), ("湖南省长沙市", "岳麓区"),
    ("河南省郑州市", "金水区"), ("辽宁省大连市", "沙河口区"), ("苏州", "吴中区"), ("杭州", "余杭区"),
    ("深圳", "福田区"), ("成都", "高新区"),
)  # fmt: skip
_ROADS = (
    "建国路",
    "中山北路",
    "人民大道",
    "科技园路",
    "解放街",
    "文一西路",
    "桂花巷",
    "学府路",
    "滨江大道",
    "长宁支路",
)
_ESTATES = ("阳光花园", "锦绣小区", "翠湖苑", "金色家园", "万和公寓", "东方大厦", "星河湾", "春江名城")
_AREAS = ("110105", "310115", "440106", "330106", "320106", "510107", "420111", "610113", "500112", "210204")


@dataclass(frozen=True)
class Sample:
    """A text and where its personal data stands: (start, end, ``name`` | ``mobile`` | ``id`` | ``address``)."""

    template: int
    text: str
    spans: tuple[tuple[int, int, str], ...]


def samples(*, each: int, seed: int) -> list[Sample]:
    """Fills every template ``each`` times; the same seed gives the same samples."""
    from faker import Faker

    chance, fake = random.Random(seed), Faker("zh_CN")
    fake.seed_instance(seed)
    return [_filled(number, chance, fake) for number in range(len(TEMPLATES)) for _ in range(each)]


def _filled(number: int, chance: random.Random, fake: object) -> Sample:
    text, spans, position = "", [], 0
    template = TEMPLATES[number]
    for slot in re.finditer(r"\{(\w+)\}", template):
        text += template[position : slot.start()]
        kind, position = slot.group(1), slot.end()
        value = _value(kind, chance, fake)
        spans.append((len(text), len(text) + len(value), "name" if kind == "surname" else kind))
        text += value
    return Sample(number, text + template[position:], tuple(spans))


def _value(kind: str, chance: random.Random, fake: object) -> str:
    if kind == "name":
        return str(fake.name())  # type: ignore[attr-defined]
    if kind == "surname":
        return str(fake.last_name())  # type: ignore[attr-defined]
    if kind == "mobile":
        return _mobile(chance)
    return _resident(chance) if kind == "id" else _address(chance)


def _mobile(chance: random.Random) -> str:
    digits = "1" + chance.choice("3456789") + "".join(chance.choices("0123456789", k=9))
    pieces = digits[:3], digits[3:7], digits[7:]
    return chance.choice((digits, digits, digits, "-".join(pieces), " ".join(pieces), "+86 " + digits, "86" + digits))


def _resident(chance: random.Random) -> str:
    born = f"{chance.randint(1950, 2006)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    body = chance.choice(_AREAS) + born + f"{chance.randint(1, 999):03d}"
    value = next(body + last for last in "0123456789X" if is_resident_id(body + last))
    return value.lower() if chance.random() < 0.2 else value


def _address(chance: random.Random) -> str:
    city, district = chance.choice(_TOWNS)
    street = f"{chance.choice(_ROADS)}{chance.randint(1, 999)}号"
    estate = chance.choice(_ESTATES)
    building, room = chance.randint(1, 30), f"{chance.randint(1, 28)}{chance.randint(1, 4):02d}"
    shapes = (
        f"{city}{district}{street}",
        f"{city}{district}{street}{estate}{building}栋{room}室",
        f"{city}{district}{estate}{building}号楼{chance.randint(1, 4)}单元{room}",
        f"{district}{street}{estate}{building}幢{room}",
        f"{estate}{building}栋{room}",
        f"{city}{district}{estate}{building}-{chance.randint(1, 4)}-{room}",
        f"{street}",
        f"{city} {district} {street} {building}栋",
    )
    return chance.choice(shapes)
