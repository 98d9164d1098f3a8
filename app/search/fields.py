"""The one declaration of the query language's fields.

The parser, the compiler, completion, the help page and ``docs/query-language.md`` all read ``FIELDS``;
nothing else lists them. A field with a ``column`` compares that column of the photo; every other field is
compiled by the function that ``app.search.compile`` registers under its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a field's value looks like; ``app.search.values`` reads each kind."""

    TEXT = "text"  # one or more words; in quotes when it holds spaces
    COUNTED = "counted"  # a name and, if wanted, a comparison of how many: dog>=2
    NUMBER = "number"
    BYTES = "bytes"  # a number with kb, mb or gb
    YEAR = "year"
    MONTH = "month"
    DATE = "date"  # 2024, 2024-06, 2024-06-01, today, yesterday, last-30d
    CHOICE = "choice"
    NEAR = "near"  # latitude,longitude,kilometres
    PHOTO = "photo"  # a photo's id


@dataclass(frozen=True)
class Choice:
    name: str
    help_en: str
    help_zh: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One field. ``aliases`` hold other spellings, also the Chinese one; ``low`` and ``high`` bound a number.

    ``rounding`` is half the width of what a plain value of a measured number means: ``aperture:2.8`` finds
    2.75 to 2.85. Comparisons and ranges are exact.
    """

    name: str
    kind: Kind
    help_en: str
    help_zh: str
    examples: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    column: str | None = None
    low: float = 0
    high: float = 10**12
    rounding: float = 0.0
    whole: bool = True  # a number of this field has no decimals

    @property
    def compares(self) -> bool:
        """Whether ``> >= < <= ..`` mean something for it."""
        return self.kind in (Kind.NUMBER, Kind.BYTES, Kind.YEAR, Kind.MONTH, Kind.DATE)


_IS = (
    Choice("favorite", "marked as a favourite", "已收藏", ("favourite", "fav", "收藏")),
    Choice(
        "archived",
        "archived; such photos are left out of all other searches",
        "已归档（其他搜索不包含）",
        ("归档",),
    ),
    Choice("blurry", "out of focus or shaken", "模糊", ("模糊",)),
    Choice("dark", "underexposed", "偏暗", ("偏暗",)),
    Choice("hazy", "taken through haze or fog", "有雾霾", ("雾霾",)),
    Choice("screenshot", "a picture of a screen", "截图", ("截图", "截屏")),
    Choice("bw", "black and white", "黑白", ("黑白",)),
    Choice("night", "taken at night", "夜景", ("夜景",)),
    Choice("sunset", "a sunset or sunrise", "日落或日出", ("日落",)),
    Choice("edited", "with at least one finished edit", "有编辑版本", ("编辑",)),
    Choice(
        "panorama",
        "at least twice as long as it is high, or the reverse",
        "全景（长边至少为短边两倍）",
        ("全景",),
    ),
    Choice("portrait", "higher than wide", "竖幅", ("竖幅", "竖")),
    Choice("landscape", "wider than high", "横幅", ("横幅", "横")),
    Choice("square", "as wide as high, within 2 %", "方形（误差 2 % 以内）", ("方形",)),
)
_HAS = (
    Choice("gps", "a position", "有位置", ("location", "位置")),
    Choice("faces", "at least one face", "有人脸", ("face", "人脸")),
    Choice("text", "recognised text", "有文字", ("文字",)),
    Choice("edits", "at least one finished edit", "有编辑版本", ("edit", "编辑")),
)
_TYPES = (
    Choice("jpeg", "JPEG", "JPEG", ("jpg",)),
    Choice("png", "PNG", "PNG"),
    Choice("gif", "GIF", "GIF"),
    Choice("bmp", "BMP", "BMP"),
    Choice("webp", "WebP", "WebP"),
    Choice("tiff", "TIFF", "TIFF", ("tif",)),
    Choice("heif", "HEIF (HEIC)", "HEIF（HEIC）", ("heic",)),
    Choice("avif", "AVIF", "AVIF"),
)

FIELDS: tuple[Field, ...] = (
    Field("tag", Kind.TEXT,
          "A tag by its name, short name or synonym in English or Chinese, and every tag below it.",
          "标签：中英文名称、短名或同义词，包括其下级标签。",
          ("tag:beach", 'tag:"golden retriever"', "tag:海滩"), ("label", "标签")),
    Field("object", Kind.COUNTED, "A thing seen in the photo, and how many of it.",
          "照片中检测到的物体及数量。",
          ("object:dog", "object:dog>=2", 'object:"traffic light"', "object:cup<=3"), ("物体",)),
    Field("person", Kind.TEXT, "A person by the name you gave.", "人物：您所起的名字。",
          ("person:Anna", 'person:"Anna Meier"'), ("people", "人物")),
    Field("faces", Kind.NUMBER, "How many faces are in the photo.", "照片中的人脸数量。",
          ("faces:0", "faces:>=3", "faces:2..5"), ("人脸",), high=10_000),
    Field("album", Kind.TEXT, "In an album, by its title or id; a dynamic album counts as its own search.",
          "属于某相册（标题或编号）；动态相册按其规则计算。", ('album:"Summer 2024"',), ("相册",)),
    Field("place", Kind.TEXT, "Taken in a city, region or country of that name.",
          "拍摄地的城市、地区或国家名。",
          ("place:Lisbon", 'place:"New York"'), ("地点",)),
    Field("country", Kind.TEXT, "Taken in a country, by its name or two-letter code.", "国家名称或两位代码。",
          ("country:Portugal", "country:pt", "country:中国"), ("国家",)),
    Field("near", Kind.NEAR, "Within so many kilometres of a position (10 if left out).",
          "距某坐标若干公里以内（默认 10）。", ("near:38.72,-9.14,5",), ("附近",)),
    Field("has", Kind.CHOICE, "What the photo has.", "照片所含内容。", ("has:gps", "has:text"), ("含有",),
          _HAS),
    Field("date", Kind.DATE, "The day the photo was taken, by the clock where it was taken.",
          "拍摄日期（拍摄地当地时间）。",
          ("date:2024", "date:2024-06", "date:2024-06-01..2024-08-31", "date:>=2023-12", "date:today"),
          ("日期",)),
    Field("taken", Kind.DATE, "The same as date; reads well with spans up to now.",
          "同 date，适合表示最近一段时间。",
          ("taken:last-30d", "taken:last-2y", "taken:yesterday"), ("拍摄",)),
    Field("added", Kind.DATE, "When the photo came into the library (UTC).", "加入图库的时间（UTC）。",
          ("added:last-7d", "added:2024-11"), ("添加",)),
    Field("year", Kind.YEAR, "The year it was taken.", "拍摄年份。", ("year:2023", "year:2019..2021"),
          ("年份", "年"),
          low=1000, high=2999),
    Field("month", Kind.MONTH, "The month of any year it was taken in, 1 to 12 or by name.",
          "拍摄月份（不限年份），1 到 12 或英文月名。", ("month:12", "month:june", "month:6..8"), ("月份",
          "月"),
          low=1, high=12),
    Field("camera", Kind.TEXT, "Part of the camera's make and model.", "相机品牌或型号的一部分。",
          ("camera:canon", 'camera:"iphone 12"'), ("相机",)),
    Field("lens", Kind.TEXT, "Part of the lens's name.", "镜头名称的一部分。", ('lens:"50mm"',), ("镜头",)),
    Field("iso", Kind.NUMBER, "The film speed.", "感光度。", ("iso:100", "iso:>=1600"), ("感光度",),
          column="iso"),
    Field("aperture", Kind.NUMBER, "The f-number.", "光圈值。", ("aperture:2.8", "aperture:<2"), ("光圈",),
          column="aperture", rounding=0.05, whole=False),
    Field("focal", Kind.NUMBER, "The focal length in millimetres.", "焦距（毫米）。", ("focal:50",
          "focal:24..70"),
          ("焦距",), column="focal_length", rounding=0.5, whole=False),
    Field("is", Kind.CHOICE, "What the photo is.", "照片的属性。",
          ("is:favorite", "is:screenshot", "is:portrait"), ("是",), _IS),
    Field("rating", Kind.NUMBER, "Your stars, 0 to 5.", "评分，0 到 5。", ("rating:5", "rating:>=4"),
          ("评分",),
          column="rating", high=5),
    Field("type", Kind.CHOICE, "The file's format.", "文件格式。", ("type:jpeg", "type:heic"), ("format",
          "类型"), _TYPES),
    Field("size", Kind.BYTES, "The file's size; kb, mb and gb are powers of 1000.",
          "文件大小；kb、mb、gb 以 1000 为进制。",
          ("size:>5mb", "size:100kb..1mb"), ("大小",), column="size"),
    Field("mp", Kind.NUMBER, "Megapixels.", "像素数（百万）。", ("mp:>12", "mp:12"), ("megapixels", "像素"),
          rounding=0.5, whole=False, high=10_000),
    Field("confidence", Kind.NUMBER,
          "How sure the tags and objects of the same group must be, 0 to 1; what you confirmed counts as 1.",
          "同组标签与物体的最低可信度，0 到 1；您确认过的按 1 计。",
          ("tag:dog confidence:>0.6", "object:car confidence:>=0.8"), ("可信度",), high=1, whole=False),
    Field("similar", Kind.PHOTO, "Photos that look like the one with this id.", "与该编号照片相似的照片。",
          ("similar:0190a5f2-1111-7000-8000-000000000000",), ("相似",)),
    Field("text", Kind.TEXT, "Words recognised in the picture.", "图中识别出的文字。",
          ('text:"invoice"', "text:发票"), ("文字",)),
    Field("name", Kind.TEXT, "The file's name; * stands for anything.", "文件名；* 代表任意字符。",
          ("name:IMG_*", "name:*.png", "name:holiday"), ("filename", "文件名")),
)  # fmt: skip

BY_NAME: dict[str, Field] = {name: f for f in FIELDS for name in (f.name, *f.aliases)}


def find_field(name: str) -> Field | None:
    """The field of that name or alias; case does not matter."""
    return BY_NAME.get(name.casefold())


def find_choice(field: Field, name: str) -> Choice | None:
    wanted = name.casefold()
    return next((c for c in field.choices if wanted == c.name or wanted in c.aliases), None)
