"""The four kinds of panel: a number, lines over time, bars, and a table by segment."""

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from streamer.metrics.explain import find
from streamer.watch.targets import target

#: columns of Grafana's grid
WIDTH: Final = 24
SHARE: Final = "percentunit"
SECONDS: Final = "s"
COUNT: Final = "short"
RATE: Final = "cps"
#: of a table's column: what `missed` says of a target, shown as a word, with a mark where it is missed
MISSED: Final = "bool"

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
#: told apart by those who do not see red and green; a word goes with each
NEUTRAL: Final = "text"
PAST: Final = "orange"
GREY: Final = "#8e8e8e"

Panel = stat.Panel | timeseries.Panel | bargauge.Panel | table.Panel
P = TypeVar("P", stat.Panel, timeseries.Panel, bargauge.Panel, table.Panel)
Column = tuple[str, str, str]


def described(names: Iterable[str]) -> str:
    """Return what the catalogue says of some metrics. Raises ValueError for one that it has not."""
    texts = []
    for name in names:
        metric = find(name)
        if metric is None:
            raise ValueError(f"{name} is not in the catalogue")
        formula = f"{metric.formula[:1].upper()}{metric.formula[1:]}"
        texts.append(f"**{metric.name}**: {metric.about} {formula}.")
    return "\n\n".join(texts)


def number(
    title: str,
    query: str,
    metrics: Sequence[str] | str,
    unit: str,
    *,
    legend: str = "",
    nothing: str = "-",
    width: int = 4,
    height: int = 5,
) -> Panel:
    """Return a panel with one number, or one for each series with its legend beneath; without any it says `nothing`.

    `metrics` are the names whose descriptions it gets, or the description itself (so for all kinds). `width` is in
    columns, `height` in rows of Grafana's grid.
    """
    mode = options.BigValueTextMode.VALUE_AND_NAME if legend else options.BigValueTextMode.VALUE
    panel = (
        stat.Panel()
        .graph_mode(options.BigValueGraphMode.NONE)
        .color_mode(options.BigValueColorMode.VALUE)
        .justify_mode(options.BigValueJustifyMode.CENTER)
        .text_mode(mode)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(_fixed(NEUTRAL))
        .override_by_regexp("/^(past target|spike)/", [_color(PAST)])
        .override_by_regexp("/^few answers/", [_color(GREY)])
        .with_target(_query("A", query, legend).instant())
    )
    return _finished(panel, title, metrics, unit, width, height).no_value(nothing)


def lines(
    title: str,
    queries: dict[str, str],
    metrics: Sequence[str] | str,
    unit: str,
    *,
    goal: str = "",
    stacked: bool = False,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Return a panel of lines over time: legend -> query; `goal` is the metric whose target is drawn as a hairline."""
    mode = options.StackingMode.NORMAL if stacked else options.StackingMode.NONE
    panel = (
        timeseries.Panel()
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
        .show_points(options.VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(mode))
        .fill_opacity(20 if stacked else 0)
        .override_by_regexp("/^target$/", _HAIRLINE)
    )
    wanted = queries | ({"target": target(goal)} if goal else {})
    for place, (legend, query) in enumerate(wanted.items()):
        panel.with_target(_query(ascii_uppercase[place], query, legend))
    return _finished(panel, title, metrics, unit, width, height)


def bars(
    title: str, query: str, legend: str, metrics: Sequence[str] | str, unit: str, *, width: int = 8, height: int = 8
) -> Panel:
    """Return a panel of horizontal bars, one for each series of the query, as it orders them."""
    panel = (
        bargauge.Panel()
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .value_mode(options.BarGaugeValueMode.TEXT)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(_fixed("blue"))
        .with_target(_query("A", query, legend).instant())
    )
    return _finished(panel, title, metrics, unit, width, height)


def grid(
    title: str,
    columns: Sequence[Column],
    metrics: Sequence[str] | str,
    *,
    key: str = "queue",
    link: str = "",
    width: int = 12,
    height: int = 8,
) -> Panel:
    """Return a table by the label `key`, most of its first column first; columns are (title, query, unit).

    `link` is the uid of the dashboard that a click on a row's name opens for that segment.
    """
    panel = table.Panel().show_header(True).with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    names = {}
    for place, (column, query, unit) in enumerate(columns):
        ref = ascii_uppercase[place]
        panel.with_target(_query(ref, query, "").instant().format(PromQueryFormat.TABLE))
        panel.override_by_name(column, _MARK if unit == MISSED else [model.DynamicConfigValue("unit", unit)])
        names[f"Value #{ref}"] = column
    order = {key: 0} | {old: place for place, old in enumerate(names, 1)}
    panel.with_transformation(
        model.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
        )
    )
    if link:
        url = f"/d/{link}?var-{key}=${{__value.raw:percentencode}}&${{__url_time_range}}"
        panel.override_by_name(key, [model.DynamicConfigValue("links", [{"title": f"Open this {key}", "url": url}])])
    panel.sort_by([common.TableSortByFieldState().display_name(columns[0][0]).desc(True)])
    return _finished(panel, title, metrics, COUNT, width, height)


def _query(ref: str, query: str, legend: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).expr(query).legend_format(legend).datasource(SOURCE)


def _fixed(color: str) -> build.FieldColor:
    return build.FieldColor().mode(model.FieldColorModeId.FIXED).fixed_color(color)


def _color(color: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})


_HAIRLINE: Final[list[Any]] = [
    _color(GREY),
    model.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
    model.DynamicConfigValue("custom.lineWidth", 1),
    model.DynamicConfigValue("custom.stacking", {"mode": "none", "group": "target"}),
]
_MARK: Final[list[Any]] = [
    model.DynamicConfigValue("unit", MISSED),
    model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    model.DynamicConfigValue(
        "mappings",
        [
            {
                "type": "value",
                "options": {
                    "0": {"index": 0, "text": "on target", "color": NEUTRAL},
                    "1": {"index": 1, "text": "\N{BLACK UP-POINTING TRIANGLE} past target", "color": PAST},
                    "2": {"index": 2, "text": "few answers", "color": GREY},
                },
            }
        ],
    ),
]


def _finished(panel: P, title: str, metrics: Sequence[str] | str, unit: str, width: int, height: int) -> P:
    """Set what all kinds of panel have."""
    assert 0 < width <= WIDTH
    panel.title(title).description(metrics if isinstance(metrics, str) else described(metrics))
    panel.unit(unit).no_value("-").datasource(SOURCE).span(width).height(height)
    if unit == SHARE:
        panel.decimals(1)
    return panel
