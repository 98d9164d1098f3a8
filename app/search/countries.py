"""Chinese names of countries by ISO 3166-1 code, so that places are found in both languages.

English names come with each photo from the gazetteer; it has no Chinese ones.
"""

from __future__ import annotations

_NAMES = """
AD安道尔 AE阿联酋 AF阿富汗 AG安提瓜和巴布达 AL阿尔巴尼亚 AM亚美尼亚 AO安哥拉 AQ南极洲 AR阿根廷 AT奥地利
AU澳大利亚 AZ阿塞拜疆 BA波黑 BB巴巴多斯 BD孟加拉国 BE比利时 BF布基纳法索 BG保加利亚 BH巴林 BI布隆迪 BJ贝宁
BN文莱 BO玻利维亚 BR巴西 BS巴哈马 BT不丹 BW博茨瓦纳 BY白俄罗斯 BZ伯利兹 CA加拿大 CD刚果民主共和国 CF中非
CG刚果共和国 CH瑞士 CI科特迪瓦 CL智利 CM喀麦隆 CN中国 CO哥伦比亚 CR哥斯达黎加 CU古巴 CV佛得角 CY塞浦路斯
CZ捷克 DE德国 DJ吉布提 DK丹麦 DM多米尼克 DO多米尼加 DZ阿尔及利亚 EC厄瓜多尔 EE爱沙尼亚 EG埃及 ER厄立特里亚
ES西班牙 ET埃塞俄比亚 FI芬兰 FJ斐济 FM密克罗尼西亚 FO法罗群岛 FR法国 GA加蓬 GB英国 GD格林纳达 GE格鲁吉亚
GF法属圭亚那 GH加纳 GI直布罗陀 GL格陵兰 GM冈比亚 GN几内亚 GP瓜德罗普 GQ赤道几内亚 GR希腊 GT危地马拉 GU关岛
GW几内亚比绍 GY圭亚那 HK香港 HN洪都拉斯 HR克罗地亚 HT海地 HU匈牙利 ID印度尼西亚 IE爱尔兰 IL以色列 IM马恩岛
IN印度 IQ伊拉克 IR伊朗 IS冰岛 IT意大利 JM牙买加 JO约旦 JP日本 KE肯尼亚 KG吉尔吉斯斯坦 KH柬埔寨 KI基里巴斯
KM科摩罗 KN圣基茨和尼维斯 KP朝鲜 KR韩国 KW科威特 KZ哈萨克斯坦 LA老挝 LB黎巴嫩 LC圣卢西亚 LI列支敦士登
LK斯里兰卡 LR利比里亚 LS莱索托 LT立陶宛 LU卢森堡 LV拉脱维亚 LY利比亚 MA摩洛哥 MC摩纳哥 MD摩尔多瓦 ME黑山
MG马达加斯加 MH马绍尔群岛 MK北马其顿 ML马里 MM缅甸 MN蒙古 MO澳门 MQ马提尼克 MR毛里塔尼亚 MT马耳他 MU毛里求斯
MV马尔代夫 MW马拉维 MX墨西哥 MY马来西亚 MZ莫桑比克 NA纳米比亚 NC新喀里多尼亚 NE尼日尔 NG尼日利亚 NI尼加拉瓜
NL荷兰 NO挪威 NP尼泊尔 NR瑙鲁 NZ新西兰 OM阿曼 PA巴拿马 PE秘鲁 PF法属波利尼西亚 PG巴布亚新几内亚 PH菲律宾
PK巴基斯坦 PL波兰 PR波多黎各 PS巴勒斯坦 PT葡萄牙 PW帕劳 PY巴拉圭 QA卡塔尔 RE留尼汪 RO罗马尼亚 RS塞尔维亚
RU俄罗斯 RW卢旺达 SA沙特阿拉伯 SB所罗门群岛 SC塞舌尔 SD苏丹 SE瑞典 SG新加坡 SI斯洛文尼亚 SK斯洛伐克
SL塞拉利昂 SM圣马力诺 SN塞内加尔 SO索马里 SR苏里南 SS南苏丹 ST圣多美和普林西比 SV萨尔瓦多 SY叙利亚
SZ斯威士兰 TD乍得 TG多哥 TH泰国 TJ塔吉克斯坦 TL东帝汶 TM土库曼斯坦 TN突尼斯 TO汤加 TR土耳其
TT特立尼达和多巴哥 TV图瓦卢 TW台湾 TZ坦桑尼亚 UA乌克兰 UG乌干达 US美国 UY乌拉圭 UZ乌兹别克斯坦 VA梵蒂冈
VC圣文森特和格林纳丁斯 VE委内瑞拉 VN越南 VU瓦努阿图 WS萨摩亚 XK科索沃 YE也门 ZA南非 ZM赞比亚 ZW津巴布韦
"""
_BY_CODE = {entry[:2]: entry[2:] for entry in _NAMES.split()}


def chinese_name(code: str | None) -> str | None:
    """The Chinese name of a country, or None when the table has none."""
    return _BY_CODE.get(code.upper()) if code else None
