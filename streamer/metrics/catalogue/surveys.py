"""The table "Surveys" of the catalogue. Scores are summed as integer millionths of x, the place on the scale, 0 to 1."""

from streamer.metrics.catalogue import needs
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
    counted="answers, the last one of each invitation; satisfied: the scale's threshold, else 7 of 10 on 1-10 and 0-10, else x >= 0.75",
    not_counted="nps and ces answers; invitations without an answer; an earlier answer of the same invitation",
    needs=needs.SCORED,
    edge_cases=("best=low turns the scale round.", "A score without a scale, or outside it, is a dead letter."),
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
            counted="the answers of csat_ratio",
            not_counted="uncertainty from who answers at all: see survey_response_ratio",
            needs=needs.SCORED,
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
    counted="answers, the last one of each invitation; x = (score - min) / (max - min), 1 - that where best is low",
    not_counted="nps and ces answers; an earlier answer of the same invitation",
    needs=needs.SCORED,
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
        counted="answers of kind nps, the last one of each invitation",
        not_counted="csat and other kinds: the same number means something else there",
        needs=needs.SCORED,
        edge_cases=("Other scales than 0-10 are put on it: 10 x rounded half up.",),
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
        counted="answers of kind nps, the last one of each invitation",
        not_counted="other kinds",
        needs=needs.SCORED,
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
        counted="answers of kind nps, the last one of each invitation",
        not_counted="uncertainty from who answers at all: see survey_response_ratio",
        needs=needs.SCORED,
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
    counted="answers of kind ces, the last one of each invitation, on any scale",
    not_counted="other kinds",
    needs=needs.SCORED,
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
    counted="answers of kind ces, the last one of each invitation",
    not_counted="other kinds",
    needs=needs.SCORED,
    edge_cases=("5 of 7 and more is easy.",),
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
        counted="every named rating of an answer, on the answer's scale",
        not_counted="answers without ratings; an earlier answer of the same invitation",
        needs=(needs.SCORE, "survey.answered: ratings"),
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
    counted="answers that say resolved true or false, of any kind of survey",
    not_counted="answers that do not say; an earlier answer of the same invitation",
    needs=("survey.answered: resolved",),
    formula="resolved yes / (yes + no)",
    at="answered",
    windows=LONG,
    seed="S2",
)
count(
    "surveys_sent",
    {"kind": ANY_KIND},
    about="Survey invitations sent.",
    counted="sent events, the first one of each invitation",
    not_counted="web intercepts (offered)",
    needs=(needs.SENT,),
    edge_cases=("kind is empty where no event names it.",),
    formula="sent events",
    at="sent",
    windows=LONG,
    zero="surveys",
)
count(
    "surveys_answered",
    {"kind": ANY_KIND},
    about="Surveys answered, each once.",
    counted="invitations answered; a second answer moves to its own time",
    not_counted="declined and expired ones",
    needs=("survey.answered: kind",),
    formula="answered surveys",
    at="answered",
    windows=LONG,
    zero="surveys",
)
ratio(
    "survey_response_ratio",
    {"kind": ANY_KIND},
    about="Share of invitations that were answered in time.",
    counted="invitations sent; answered up to sent + expiry (7 d, inclusive) is the numerator",
    not_counted="web intercepts; invitations whose sent event was never seen",
    needs=(needs.SENT, "survey.answered"),
    edge_cases=(
        "Counted at sent: the newest invitations can still be answered, so it is low at first; see survey_decided_response_ratio.",
    ),
    formula="sent surveys answered within expiry / sent",
    at="sent",
    windows=LONG,
    seed="S0 S3",
)
ratio(
    "survey_decided_response_ratio",
    {"kind": ANY_KIND},
    about="Share of decided invitations that were answered.",
    counted="invitations, by what came first: answered, declined, expired, or expiry after sent",
    not_counted="invitations that can still be answered; those whose sent or offered event was never seen",
    needs=(needs.SENT, "survey.answered/declined/expired"),
    formula="answered first / decided, by the first of answered, declined, expired, sent + expiry",
    at="decision",
    windows=LONG,
)
ratio(
    "survey_comment_ratio",
    {"kind": ANY_KIND},
    about="Share of answers with a comment.",
    counted="answers, the last one of each invitation; has_comment true is the numerator",
    not_counted="the comments' texts, which never travel",
    needs=("survey.answered: kind has_comment",),
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
        counted="topics of comments, each once an answer, of NPS detractors and of csat, relationship and experience answers at_risk",
        not_counted="topics of other answers",
        needs=(needs.SCORE, "survey.answered: comment_topics"),
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
    counted="contacts answered and over, and tickets net solved, of known customers; a survey about them counts from their start to coverage (1 h) after the end",
    not_counted="surveys that name no contact; later surveys",
    needs=(*needs.CONTACTS, needs.ABOUT),
    formula="ended contacts with a survey about them sent from their start to end + coverage / ended contacts",
    at="end + coverage",
    windows=("7d", "30d"),
    seed="S2 automatic",
)
duration(
    "survey_delay",
    about="How long after the contact the survey went out.",
    counted="invitations about a contact that has ended",
    not_counted="surveys about an open or unknown contact, or about none",
    needs=(*needs.CONTACTS, needs.ABOUT),
    formula="sent - end of the contact it is about",
    at="sent",
    windows=LONG,
    seed="S0 S1 right time",
)
duration(
    "survey_completion",
    about="How long it took to answer.",
    counted="answers that say when the customer began",
    not_counted="answers without started_at",
    needs=("survey.answered: started_at",),
    formula="answered - started_at",
    at="answered",
    windows=LONG,
    seed="S0 long surveys",
)
stock(
    "survey_fatigued_customers",
    about="Customers who got more surveys than they should.",
    counted="customers with more than fatigue_limit (2) invitations in the last fatigue_window (30 d), of all departments",
    not_counted="esat; web intercepts",
    needs=("survey.sent: customer kind",),
    edge_cases=("Age counts since the customer last became fatigued.",),
    formula="customers with more than fatigue_limit surveys sent in the last fatigue_window, esat left out",
    zero="surveys",
    seed="S0 S4",
)
count(
    "survey_overlaps",
    {"same_department": ("true", "false")},
    about="Surveys sent soon after another one to the same customer.",
    counted="invitations with another one to the same customer at most overlap_window (7 d) before, each once",
    not_counted="esat; web intercepts",
    needs=("survey.sent: customer kind department",),
    formula="surveys sent at most overlap_window after another one; true if one of those has the same department; esat left out",
    at="sent",
    windows=LONG,
    zero="surveys",
    seed="S4 register",
)
ratio(
    "intercept_shown_ratio",
    about="Share of web intercepts that were shown.",
    counted="offered events: shown and withheld ones",
    not_counted="invitations that were sent",
    needs=("survey.offered: shown",),
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
        counted="answers at the very end of their scale that also say resolved or a comment's sentiment; contradicted: worst with resolved or sentiment >= 0.5, best with not resolved or sentiment <= -0.5",
        not_counted="answers between the ends; answers that say neither",
        needs=(needs.SCORE, "survey.answered: resolved comment_sentiment"),
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
    counted="public, not automated agent messages in any ticket or chat of the customer, and answered outbound or callback legs; one closes all that wait",
    not_counted="bots, automated messages, internal notes; inbound calls, which the customer began",
    needs=(needs.SCORE, needs.MESSAGE, needs.CHAT_MESSAGE, needs.QUEUED, needs.ANSWERED),
    edge_cases=("A second answer takes the follow-up back: the wait starts again.",),
    formula="next human reply, or answered outbound or callback leg, after an NPS detractor's last answer - that answer",
    at="follow-up",
    windows=LONG,
    seed="S4 close the loop",
)
stock(
    "detractors_awaiting_follow_up",
    about="NPS detractors whom nobody has got back to.",
    counted="NPS detractors' answers without a human reply or answered outbound or callback leg after them",
    not_counted="detractors who were followed up, or whose second answer is none",
    needs=(needs.SCORE, needs.MESSAGE, needs.CHAT_MESSAGE, needs.QUEUED, needs.ANSWERED),
    formula="detractors without a follow-up; due = answer + follow_up_target",
    zero="surveys",
    due=True,
    seed="S4",
)
