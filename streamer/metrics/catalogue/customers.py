"""The table "Customers, contact by contact" of the catalogue.

``repeat`` and ``follow`` hold one fact a contact: how soon another contact preceded, or followed. The three `within` limits
of repeat_contact_ratio and fcr_provisional_ratio are read from them.
"""

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
    total,
)

WITHIN = ("1d", "3d", "7d")
#: the gap to the neighbouring contact: within the named limit and not a smaller one; `none`: further away, or no contact
GAPS = (*WITHIN, "none")
CLASSES = ("promoter", "satisfied", "at_risk")
DAYS = ("0-1", "1-7", "7-30", "30+")
CART_REASONS = ("shipping_cost", "payment_method", "price", "other")
CART_STEPS = ("items", "shipping", "payment", "review")

count(
    "contacts",
    about="Contacts started: tickets, chats, calls.",
    counted="tickets, chats and inbound calls, each once",
    not_counted="outbound and callback contacts; deleted tickets, which are taken back (merged ones stay); contacts whose start was never seen",
    needs=needs.CONTACT_STARTS,
    formula="contacts with a known start",
    at="start",
    windows=LONG,
    zero="contacts",
    seed="S0 one place",
)
_REPEATS = {gap: number(REGISTRY.row("repeat", gap=gap)) for gap in GAPS}
REGISTRY.add(
    Metric(
        name="repeat_contact_ratio",
        kind=Kind.RATIO,
        about="Share of contacts whose customer had been in contact shortly before.",
        counted="contacts of known customers; another contact of any channel counts",
        not_counted="calls without a customer; outbound and callback contacts; contacts whose start was never seen",
        needs=needs.CONTACT_STARTS,
        edge_cases=(
            "A contact that started exactly `within` before still counts.",
            "Of two contacts of one instant, the second is the repeat.",
        ),
        formula="contacts with another contact start of the customer in [start - within, start] before it / contacts with a customer",
        at="start",
        windows=LONG,
        series=tuple(
            Series((("within", w),), tuple(_REPEATS[g] for g in WITHIN[: i + 1]), tuple(_REPEATS.values()))
            for i, w in enumerate(WITHIN)
        ),
        seed="S0",
    )
)
ratio(
    "fcr_ratio",
    {"within": WITHIN},
    about="First-contact resolution: share of contacts after which the customer did not come back.",
    counted="contacts answered and over, and tickets net solved, of known customers; a contact of any channel is a return",
    not_counted="abandoned and unanswered contacts; calls without a customer; contacts whose end lies less than `within` back",
    needs=needs.CONTACTS,
    edge_cases=(
        "Final: what happens after end + within changes nothing.",
        "A reopened ticket or contact is no resolution.",
    ),
    elsewhere="Ticket-only definitions (solved within one reply) are one_touch_ratio; what the customer says is stated_resolution_ratio.",
    formula="answered contacts and net-solved tickets with no contact of the customer started after the end and up to end + within,"
    " and never reopened before / answered contacts and net-solved tickets with a customer",
    at="end + within",
    windows=("7d", "30d"),
    seed="S3, S0",
)
_FOLLOWS = {gap: number(REGISTRY.row("follow", gap=gap)) for gap in ("reopened", *GAPS)}
REGISTRY.add(
    Metric(
        name="fcr_provisional_ratio",
        kind=Kind.RATIO,
        about="First-contact resolution by the end of the contact, failing as soon as the customer comes back.",
        counted="as fcr_ratio",
        not_counted="as fcr_ratio, but contacts that ended a moment ago are in",
        needs=needs.CONTACTS,
        edge_cases=("It falls as customers return; after `within` it is what fcr_ratio says.",),
        formula="as fcr_ratio, but counted at the end at once",
        at="end",
        windows=LONG,
        series=tuple(
            Series((("within", w),), tuple(_FOLLOWS[g] for g in GAPS[i + 1 :]), tuple(_FOLLOWS.values()))
            for i, w in enumerate(WITHIN)
        ),
        seed="S3",
    )
)
duration(
    "time_to_solution",
    about="From the moment a customer found us to the solution, over all contacts of the episode.",
    counted="episodes of known customers in which all contacts have ended and one was answered or solved",
    not_counted="episodes with an open contact; episodes that nobody answered or solved; calls without a customer",
    needs=needs.CONTACTS,
    edge_cases=("Taken back when the episode goes on, put again at its next end.",),
    formula="latest end - first start of an episode: contacts each starting while an earlier one is open or at most 7 d after the latest end",
    at="latest end",
    windows=LONG,
    seed="S0",
)
count(
    "contacts_after_purchase",
    {"days": DAYS},
    about="Contacts by the time since the customer's last purchase.",
    counted="contacts of customers with a purchase before; the last purchase counts",
    not_counted="contacts of customers who never bought, or bought later",
    needs=(*needs.CONTACT_STARTS, "customer.purchased: customer"),
    edge_cases=("0-1 is less than one day, 1-7 from one day to less than seven, and so on.",),
    formula="contacts started, by days since the last customer.purchased",
    at="start",
    windows=LONG,
    zero="contacts",
    seed="S0 change along the journey",
)
count(
    "customers_joined",
    about="Customers who joined.",
    counted="joined events of customers who are not active",
    not_counted="a second joined without a churned between",
    needs=("customer.joined: customer",),
    formula="joined events of customers not active",
    at="joined",
    windows=LONG,
    seed="S3",
)
count(
    "customers_churned",
    about="Customers who left.",
    counted="churned events of customers who are active, or were never seen to join",
    not_counted="a second churned without a joined between",
    needs=("customer.churned: customer",),
    formula="churned events of customers active, or never seen to join",
    at="churned",
    windows=LONG,
    seed="S3",
)
_ACTIVE = (total(REGISTRY.row("customers_active")),)
REGISTRY.add(
    Metric(
        name="customers_active",
        kind=Kind.LEVEL,
        about="Customers who joined and have not left.",
        counted="customers whose joined event was seen and who have not churned",
        not_counted="customers who were never seen to join; erased customers",
        needs=("customer.joined/churned: customer",),
        formula="joined - churned after joining, since the beginning",
        windows=(),
        series=(Series((), _ACTIVE),),
        seed="S3",
    )
)
for _name, _about in (
    ("churn_ratio", "Share of customers who left."),
    ("retention_ratio", "Share of customers who stayed."),
):
    REGISTRY.add(
        Metric(
            name=_name,
            kind=Kind.RATIO,
            about=_about,
            counted="as customers_churned, customers_joined and customers_active count",
            not_counted="customers of before the log: the denominator knows only those who were seen to join",
            needs=("customer.joined/churned: customer",),
            formula="churned in the window / active at its start (active now - joined + churned); retention is 1 - that",
            at="churned",
            windows=("30d", "90d"),
            series=(Series((), (number(row("customers_churned")),), (number(row("customers_joined")),)),),
            flows=True,
            seed="S3, S2",
        )
    )
_CLASS = {c: number(REGISTRY.row("satisfaction_class", **{"class": c})) for c in CLASSES}
REGISTRY.add(
    Metric(
        name="satisfaction_class_ratio",
        kind=Kind.RATIO,
        about="Answers of csat, relationship and experience surveys put on 1 to 10.",
        counted="answers of kind csat, relationship and experience, on any scale",
        not_counted="nps, ces and esat answers; an earlier answer of the same invitation",
        needs=needs.SCORED,
        edge_cases=("One scale of ten for all: a 7 here is satisfied, while a 7 of an NPS survey is passive.",),
        formula="promoter 9-10, satisfied 7-8, at_risk up to 6 of 1 + 9 x rounded half up / all such answers",
        at="answered",
        windows=LONG,
        series=tuple(Series((("class", c),), (_CLASS[c],), tuple(_CLASS.values())) for c in CLASSES),
        seed="S2",
    )
)
REGISTRY.add(
    Metric(
        name="churn_risk_customers",
        kind=Kind.LEVEL,
        about="Customers whose last satisfaction answer was at risk and who have not left.",
        counted="customers whose last csat, relationship or experience answer is at_risk",
        not_counted="customers who churned; nps, ces and esat answers",
        needs=(needs.SCORE, "customer.joined/churned: customer"),
        formula="customers not churned whose last such answer is at_risk",
        windows=(),
        series=(Series((), (total(REGISTRY.row("churn_risk_customers")),)),),
        seed="S2",
    )
)
ratio(
    "repeat_purchase_ratio",
    about="Share of purchases by customers who had bought before.",
    counted="purchased events",
    not_counted="carts; purchases of before the log make no purchase a repeat",
    needs=("customer.purchased: customer",),
    formula="purchases by a customer with an earlier one / purchases",
    at="purchased",
    windows=LONG,
    seed="S2",
)
SPEND = family("repeat_spend_share_ratio", "currency")
REPEAT_SPEND = family("repeat_spend", "currency")
REGISTRY.add(
    Metric(
        name="repeat_spend_share_ratio",
        kind=Kind.RATIO,
        about="Share of spending by customers who had bought before.",
        counted="amounts of purchased events, each currency by itself",
        not_counted="carts; amounts are never converted",
        needs=("customer.purchased: customer amount currency",),
        edge_cases=("Samples are the amount of all purchases.",),
        formula="amount of purchases by a customer with an earlier one / amount of all purchases, by currency",
        at="purchased",
        windows=LONG,
        samples_scale=1e-6,
        open_labels=("currency",),
        open=Open(REPEAT_SPEND, sums=True, over=SPEND, over_sums=True, top=0),
        seed="S2",
    )
)
ratio(
    "cart_abandonment_ratio",
    about="Share of carts that were left.",
    counted="carts, each once: abandoned or bought",
    not_counted="carts in use: an event less than cart_idle (1 h) ago",
    needs=("cart.opened/stepped/purchased: customer", "cart.abandoned: customer"),
    edge_cases=("A purchase after the abandonment takes it back and counts as bought.",),
    formula="carts abandoned / carts abandoned or purchased; abandoned at cart.abandoned, or cart_idle after the last event; a later purchase takes it back",
    at="that time",
    windows=("7d", "30d"),
    seed="S0 (63 %)",
)
CARTS = family("carts_abandoned", "reason", "step")
REGISTRY.add(
    Metric(
        name="carts_abandoned",
        kind=Kind.COUNT,
        about="Abandoned carts by stated reason, else by the last step.",
        counted="the abandoned carts of cart_abandonment_ratio",
        not_counted="carts in use or bought",
        needs=("cart.opened/stepped: step", "cart.purchased", "cart.abandoned: reason"),
        formula="carts abandoned; reason where the shop said one (step empty), else the last step (reason empty)",
        at="that time",
        windows=("7d", "30d"),
        open_labels=("reason", "step"),
        open=Open(CARTS),
        seed="S0 causes",
    )
)
count(
    "mentions",
    about="Public mentions.",
    counted="mention.posted events, each once",
    not_counted="their reach",
    needs=("mention.posted: customer",),
    formula="mention.posted events",
    at="posted",
    windows=LONG,
    seed="S1",
)
mean(
    "mention_sentiment_mean",
    about="Mean sentiment of public mentions, -1 to 1.",
    counted="the sentiment of each mention, all alike",
    not_counted="their reach is no weight",
    needs=("mention.posted: sentiment",),
    formula="mean of sentiment",
    at="posted",
    windows=LONG,
    seed="S1",
    scale=1e-6,
)
REGISTRY.add(
    Metric(
        name="word_of_mouth_reach",
        kind=Kind.COUNT,
        zero="surveys",
        about="People whom unhappy customers may tell: the range one article reports, an estimate.",
        counted="NPS detractors (0 to 6)",
        not_counted="unhappy answers of other surveys; what people really said",
        needs=needs.SCORED,
        edge_cases=("An estimate, not a count of people.",),
        formula="9 (low) and 15 (high) times the NPS detractors",
        at="answered",
        windows=LONG,
        series=tuple(
            Series((("bound", b),), (Term(REGISTRY.row("nps_share", **{"class": "detractor"}), factor=f),))
            for b, f in (("low", 9), ("high", 15))
        ),
        seed="S2",
    )
)
