"""What all dashboards have: variables, annotations, links between them, a title for each row."""

import json
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from streamer.watch.dashboards.panels import SOURCE, Panel
from streamer.watch.dashboards.promql import SELECTED, spiking
from streamer.watch.rules import RUNBOOK

TAG: Final = "streamer"
_SEGMENTS: Final = ("queue", "channel", "team")
#: matches the empty label alone: all of a dimension is another grouping, not a sum over its values
_ALL: Final = "()"
_NEVER_EMPTY: Final = "support_contacts"
_INCIDENTS: Final = 'max by (alertname, queue, severity) (ALERTS{alertstate="firing"})'


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A dashboard: `uid` is for ever; `rows` are questions and the panels that answer them."""

    uid: str
    title: str
    description: str
    rows: dict[str, tuple[Panel, ...]]
    #: the window chosen at first, of those that `windows_of` is shown with; no variable without it
    window: str = ""
    windows_of: str = "support_tickets_created"
    #: a link takes the values of variables along: other windows, another name
    window_name: str = "window"
    #: the dashboard is of a segment, and has variables for it
    segments: bool = True
    #: how far back lines go
    since: str = "now-6h"

    def text(self, runbook: str = RUNBOOK) -> str:
        """Return the dashboard as Grafana reads it; the same page gives the same bytes. `runbook`: where it is read."""
        found: dict[str, Any] = json.loads(JSONEncoder().encode(self._built(runbook)))
        for number, panel in enumerate(found["panels"], 1):
            panel["id"] = number
        found["annotations"] = {
            "list": [
                _annotation("Spikes", spiking(), "orange", "{{metric}}", "{{queue}}{{team}}{{channel}}"),
                _annotation("Incidents", _INCIDENTS, "dark-red", "{{alertname}}", "{{severity}} {{queue}}"),
            ]
        }
        return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _built(self, runbook: str) -> model.Dashboard:
        page = (
            build.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .readonly()
            .refresh("5s")
            .time(self.since, "now")
            .timezone("browser")
            .with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        )
        for variable in self._variables():
            page.with_variable(variable)
        page.link(
            build.DashboardLink("Dashboards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        page.link(build.DashboardLink("Runbook").type(model.DashboardLinkType.LINK).url(runbook).target_blank(True))
        for question, panels in self.rows.items():
            page.with_row(build.Row(question))
            for panel in panels:
                page.with_panel(panel)
        return page.build()

    def _variables(self) -> list[build.QueryVariable]:
        found = []
        if self.segments:
            found += [_segment(place) for place in range(len(_SEGMENTS))]
            # Of the groupings that have the segment the largest: no queue chosen is `all`, not those without a queue.
            grouping = f"query_result(topk(1, max by (by) ({_NEVER_EMPTY}{{{SELECTED.partition(',')[2]}}})))"
            found.append(
                _variable("by", grouping, "all").regex('/by="([^"]*)"/').hide(model.VariableHide.HIDE_VARIABLE)
            )
        if self.window:
            found.append(_variable(self.window_name, f"label_values({self.windows_of}, window)", self.window))
        return found


def _variable(name: str, query: str, value: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .label(name.rpartition("_")[2].capitalize())
        .datasource(SOURCE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .allow_custom_value(False)
        .current(model.VariableOption(selected=True, text=value, value=value))
    )


def _segment(place: int) -> build.QueryVariable:
    """Return the variable of a dimension: its values that have numbers together with the choices before it.

    So with a queue chosen no channel can be, unless the board shows a grouping of both: together they would be blank.
    """
    name = _SEGMENTS[place]
    before = [f'{other}=~"${other}"' for other in _SEGMENTS[:place]]
    after = [f'{other}=""' for other in _SEGMENTS[place + 1 :]]
    matchers = ",".join([*before, f'{name}!=""', *after])
    everything = model.VariableOption(selected=True, text="All", value="$__all")
    return (
        _variable(name, f"label_values({_NEVER_EMPTY}{{{matchers}}}, {name})", "")
        .description("Has what can be shown together with the choices to its left; with All there it has everything.")
        .include_all(True)
        .all_value(_ALL)
        .current(everything)
    )


def _annotation(name: str, query: str, color: str, title: str, text: str) -> dict[str, Any]:
    """Return an annotation; the SDK knows nothing of a Prometheus annotation's own fields."""
    return {
        "name": name,
        "datasource": SOURCE.to_json(),
        "enable": True,
        "expr": query,
        "iconColor": color,
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
    }
