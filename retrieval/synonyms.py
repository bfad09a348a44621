"""Words of customer service that mean the same, and words that claim nothing, in English and Chinese.

Only for comparing a reply with its sources: a word that is in neither list must be in the source itself. The lists
are ours and short; a gap costs a smoother wording, not a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

from retrieval.lexical import spans_of, words_of

_GROUPS = """\
deliver delivery delivered ship shipping shipped shipment send sending sent dispatch arrive arrived arrival parcel\
 package 送达 送到 到货 收到 发货 寄出 寄 发 配送 送 签收 包裹 快递
return returned returning 退货 退
refund refunded reimburse reimbursement 退款 退钱
pay paid paying payment payable pays 付款 支付 付 结账
buy bought purchase purchased order ordered 购买 买 下单 订单
price cost fee charge costs 价格 费用 收费 收
change edit modify amend update 修改 更改 改 变更
exchange exchanged swap 换 换货 更换 调换
repair fix mend repaired fixed 维修 修理 修
wash washed clean cleaned washing 洗 清洗 水洗
cancel cancelled cancellation 取消
wait waiting 等 等待
valid last lasting expiry validity 有效 有效期 有效期限
fault defect faulty defective 缺陷 瑕疵
shop store 门店 店 商店
person people 人
weight weigh weighing 重 重量
open opening hours 营业 营业时间 开门
closed close 休息 关门
material 材料 材料费
cover covered coverage covering 保 保修 质保
take takes taking took
fill full
contact write email 联系 发到
lose lost missing 丢件 丢失
insole 鞋垫
code 优惠码 优惠
start begin 开始
end finish expire expired 过期 到期
运费 邮费 快递费
credited 到账 入账
only 只 仅 仅限 限 只限
"""
_SAME = {word: line.split()[0] for line in _GROUPS.strip().splitlines() for word in line.split()}

_PLAIN = """
the a an am put says said please simply also then usually normally generally typically here sure thank thanks
help happy glad know need want wish can could may might able possible possibly let note kindly case way get got
go use using used make made give there when while which what who how where why very well too just even still
already however though although because since so as our ours we us you your yours i my me it its they them
their this that these those one ones both each will would should shall must have has had having be been being
is are was were do does did doing of for from to in on at by with within until till before after above below
over under more less most least up than if unless but and or not no never cannot without either neither another
other yes hello hi hope question further any all some such yourself everything anything something time long
about around approximately roughly between during through via per according regarding concerning counted follow
follows following works worked show shows okay course directly easily quickly feel free allow allowed mean
means n't don doesn didn isn aren won couldn shouldn wasn weren hasn haven didnt dont cant it's that's there's
i'm we're you're they're don't doesn't didn't isn't aren't won't can't couldn't shouldn't
的 了 吗 呢 吧 啊 呀 哦 您 我 你 我们 您们 咱们 可以 能 能够 会 请 请问 一般 通常 大约 大概 左右 就 都 也 还 又
再 把 给 用 在 是 为 有 和 与 及 或 或者 以及 并 并且 而 而且 但 但是 不过 如果 的话 若 则 需要 需 要 应 应该
应当 须 必须 将 被 让 使 由 从 向 到 至 于 对 对于 之 其 它 这 那 这个 那个 这样 那样 这些 那些 此 该 里 中 上
下 内 外 时 时候 期间 以 以前 以后 之前 之后 前 后 起 来 去 没 没有 不 不能 不可 不可以 不会 不要 不用 不是
不在 未 无 别 勿 非 只 只要 仅 很 非常 比较 更 最 最多 最少 至少 至多 超过 不满 满 以上 以下 低于 高于 每 所有
任何 全部 是的 好的 您好 你好 谢谢 感谢 帮 帮助 希望 欢迎 随时 情况 方式 进行 提供 即可 就能 就可以 即 另外
此外 同时 然后 先 接着 方便 直接 具体 相关 可 得 都会 才 才能 已 已经 完成 属于 处理 说明 关于 等 点 次 一次
多次 个 件 张 天 日 周 月 年 元 小时 分钟 一 二 三 四 五 六 七 八 九 十 两 半 当天 那天 哪 多 多少 多久 多长
作为 算 计算 一个 一样 都是 还是 这里 那里 部分 之间 介于 介
"""
HARMLESS: Final = frozenset(_PLAIN.split())
"""Words that claim nothing by themselves; denials, numbers and relations are compared apart (``retrieval.claims``)."""

_COUNTED = """
one two three four five six seven eight nine ten eleven twelve kg euro euros day days week weeks month months
year years hour hours minute minutes degree degrees percent
公斤 千克 工作日 个工作日 度 折 码 块 星期
"""
_NUMBERS = frozenset(_COUNTED.split())
"""Compared as quantities."""

_NUMBER = re.compile(r"[\d.]+|[一二三四五六七八九十两半零]+[人天年月周元块折码点度次个张成倍日]?")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")


@lru_cache(maxsize=4096)
def meaning_of(text: str) -> frozenset[str]:
    """Words that a text needs a source for, each in the form of its group."""
    plain = unicodedata.normalize("NFKC", text).lower()
    words = [plain[start:end] for start, end in spans_of(plain)]
    kept = (word for word in words if word not in HARMLESS and not _is_number(word))
    return frozenset(_SAME.get(word) or _SAME.get(base := _base(word)) or base for word in kept)


@lru_cache(maxsize=4096)
def meaning_in(text: str) -> frozenset[str]:
    """What a source offers: its words, and every short run of Chinese characters, which is segmented differently."""
    plain = unicodedata.normalize("NFKC", text).lower()
    runs = _HAN_RUN.findall(plain)
    pairs = (a + b for run in runs for a, b in pairwise(run))
    triples = (run[i : i + 3] for run in runs for i in range(len(run) - 2))
    pieces = {*(c for run in runs for c in run), *pairs, *triples}
    words = {plain[start:end] for start, end in spans_of(plain)} | pieces
    return meaning_of(text) | frozenset(words) | frozenset(_SAME[word] for word in words if word in _SAME)


def _base(word: str) -> str:
    """A word without its plural; Chinese as it is."""
    return word if _HAN.search(word) else next(iter(words_of(word)), word)


def _is_number(word: str) -> bool:
    return word in _NUMBERS or _NUMBER.fullmatch(word) is not None
