"""The table "Surveys" of the catalogue. Scores are summed as integer millionths of x, the place on the scale, 0 to 1."""

from streamer.metrics.catalogue.model import (
    LONG,
    REGISTRY,
    Kind,
    Metric,
    Open,
    Series,
    Term,
    count,
    duration,
    family,
    mean,
    number,
    ratio,
    row,
    stock,
    total,
)

KINDS = ("csat", "relationship", "nps", "ces", "experience", "esat")
SATISFACTION = ("csat", "relationship", "experience", "esat")
#: an invitation or answer that names no kind has rows of its own, which are never shown as 0
ANY_KIND = (*KINDS, "")
NPS_CLASSES = ("promoter", "passive", "detractor")

ratio(
    "csat_ratio",
    {"kind": SATISFACTION},
    about="Share of answers that are satisfied.",
    formula="satisfied / answers",
    at="answered",
    windows=LONG,
    seed="S0 S2 S3 S4, esat S1",
)
for _bound in ("lower", "upper"):
    REGISTRY.add(
        Metric(
            name=f"csat_{_bound}_bound_ratio",
            kind=Kind.RATIO,
            about=f"The {_bound} end of the interval that holds the true share with 95 % confidence.",
            formula="Wilson score interval of csat_ratio, z = 1.959964 (Wilson 1927)",
            at="answered",
            windows=LONG,
            series=tuple(
                Series((("kind", k),), (total(row("csat_ratio", kind=k)),), (number(row("csat_ratio", kind=k)),))
                for k in SATISFACTION
            ),
            seed="S3 healthy sample",
        )
    )
mean(
    "csat_mean_ratio",
    {"kind": SATISFACTION},
    about="Mean place of the answers on their scale, 0 to 1.",
    formula="mean of x",
    at="answered",
    windows=LONG,
    scale=1e-6,
    seed="S0",
)
_NPS = {c: REGISTRY.row("nps_share", **{"class": c}) for c in NPS_CLASSES}
_NPS_ALL = tuple(number(r) for r in _NPS.values())
REGISTRY.add(
    Metric(
        name="nps_score",
        kind=Kind.MEAN,
        about="Net promoter score, -100 to 100.",
        formula="100 (promoters - detractors) / answers; 9-10, 7-8 and 0-6 of 10 x rounded half up (Reichheld 2003)",
        at="answered",
        windows=LONG,
        series=(Series((), (number(_NPS["promoter"]), Term(_NPS["detractor"], factor=-1)), _NPS_ALL),),
        scale=100.0,
        seed="S0 S3 S4",
    )
)
REGISTRY.add(
    Metric(
        name="nps_share_ratio",
        kind=Kind.RATIO,
        about="Share of promoters, passives and detractors.",
        formula="answers of the class / answers",
        at="answered",
        windows=LONG,
        series=tuple(Series((("class", c),), (number(r),), _NPS_ALL) for c, r in _NPS.items()),
        seed="S4",
    )
)
REGISTRY.add(
    Metric(
        name="nps_margin",
        kind=Kind.NUMBER,
        about="Half width of the interval that holds the true score with 95 % confidence.",
        formula="100 z sqrt((p + d - (p - d)^2) / n), z = 1.959964",
        at="answered",
        windows=LONG,
        series=(Series((), (), _NPS_ALL),),
        seed="S3",
    )
)
mean(
    "ces_mean",
    about="Customer effort, 1 to 7, 7 easiest.",
    formula="1 + 6 (mean of x)",
    at="answered",
    windows=LONG,
    scale=6e-6,
    offset=1.0,
    seed="S0 S4",
)
ratio(
    "ces_easy_ratio",
    about="Share of answers that found it easy.",
    formula="1 + 6 x >= 5 / answers",
    at="answered",
    windows=LONG,
    seed="S0 S4",
)
RATINGS = family("experience_rating_mean_ratio", "rating")
REGISTRY.add(
    Metric(
        name="experience_rating_mean_ratio",
        kind=Kind.MEAN,
        about="Mean place of each named sub-rating on its scale, 0 to 1.",
        formula="mean of x of the rating, surveys of any kind",
        at="answered",
        windows=LONG,
        open_labels=("rating",),
        open=Open(RATINGS, sums=True, over=RATINGS),
        scale=1e-6,
        seed="S3 tone, helpfulness",
    )
)
ratio(
    "stated_resolution_ratio",
    about="Share of answers that say the matter is resolved.",
    formula="resolved yes / (yes + no)",
    at="answered",
    windows=LONG,
    seed="S2",
)
count(
    "surveys_sent",
    {"kind": ANY_KIND},
    about="Survey invitations sent.",
    formula="sent events",
    at="sent",
    windows=LONG,
    zero="surveys",
)
count(
    "surveys_answered",
    {"kind": ANY_KIND},
    about="Surveys answered, each once.",
    formula="answered surveys",
    at="answered",
    windows=LONG,
    zero="surveys",
)
ratio(
    "survey_response_ratio",
    {"kind": ANY_KIND},
    about="Share of invitations that were answered in time.",
    formula="sent surveys answered within expiry / sent",
    at="sent",
    windows=LONG,
    seed="S0 S3",
)
ratio(
    "survey_decided_response_ratio",
    {"kind": ANY_KIND},
    about="Share of decided invitations that were answered.",
    formula="answered first / decided, by the first of answered, declined, expired, sent + expiry",
    at="decision",
    windows=LONG,
)
ratio(
    "survey_comment_ratio",
    {"kind": ANY_KIND},
    about="Share of answers with a comment.",
    formula="answers with a comment / answers",
    at="answered",
    windows=LONG,
    seed="S4",
)
TOPICS = family("detractor_topics", "topic")
REGISTRY.add(
    Metric(
        name="detractor_topics",
        kind=Kind.COUNT,
        about="What unhappy customers write about.",
        formula="comment topics of NPS detractors and of at_risk answers, each once an answer; top 10, the rest is other",
        at="answered",
        windows=LONG,
        open_labels=("topic",),
        open=Open(TOPICS),
        seed="S4",
    )
)
ratio(
    "survey_coverage_ratio",
    about="Share of ended contacts after which a survey went out.",
    formula="ended contacts with a survey about them sent from their start to end + coverage / ended contacts",
    at="end + coverage",
    windows=("7d", "30d"),
    seed="S2 automatic",
)
duration(
    "survey_delay",
    about="How long after the contact the survey went out.",
    formula="sent - end of the contact it is about",
    at="sent",
    windows=LONG,
    seed="S0 S1 right time",
)
duration(
    "survey_completion",
    about="How long it took to answer.",
    formula="answered - started_at",
    at="answered",
    windows=LONG,
    seed="S0 long surveys",
)
stock(
    "survey_fatigued_customers",
    about="Customers who got more surveys than they should.",
    formula="customers with more than fatigue_limit surveys sent in the last fatigue_window, esat left out",
    zero="surveys",
    seed="S0 S4",
)
count(
    "survey_overlaps",
    {"same_department": ("true", "false")},
    about="Surveys sent soon after another one to the same customer.",
    formula="surveys sent at most overlap_window after another one; true if one of those has the same department; esat left out",
    at="sent",
    windows=LONG,
    zero="surveys",
    seed="S4 register",
)
ratio(
    "intercept_shown_ratio",
    about="Share of web intercepts that were shown.",
    formula="offered with shown / offered",
    at="offered",
    windows=LONG,
    seed="S2",
)
SUSPECT = family("scale_suspect_ratio", "survey")
REGISTRY.add(
    Metric(
        name="scale_suspect_ratio",
        kind=Kind.RATIO,
        about="Share of extreme answers that their own words contradict: a scale read upside down.",
        formula="extreme answers contradicted by resolved or by comment sentiment / extreme answers that state either",
        at="answered",
        windows=LONG,
        open_labels=("survey",),
        open=Open(SUSPECT, sums=True, over=SUSPECT, top=0),
        seed="S0 inverted scale",
    )
)
duration(
    "detractor_follow_up",
    about="How long detractors waited until somebody got back to them.",
    formula="next human reply, or answered outbound or callback leg, after an NPS detractor's last answer - that answer",
    at="follow-up",
    windows=LONG,
    seed="S4 close the loop",
)
stock(
    "detractors_awaiting_follow_up",
    about="NPS detractors whom nobody has got back to.",
    formula="detractors without a follow-up; due = answer + follow_up_target",
    zero="surveys",
    due=True,
    seed="S4",
)
