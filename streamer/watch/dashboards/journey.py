"""Journey and retention: do customers have to come back, do they stay, do they buy."""

from typing import Final

from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, SECONDS, SHARE, bars, lines, number
from streamer.watch.dashboards.promql import judged, shown

_W: Final = "$long_window"
#: of what is known days later only
_LONG: Final = "7d"
_CARTS: Final = {"by": "all", "window": _LONG}

JOURNEY: Final = Page(
    uid="streamer-journey",
    title="Support: journey and retention",
    description="Customers over several contacts: do they have to come back, do they stay, do they buy.",
    window="7d",
    window_name="long_window",
    windows_of="support_contacts",
    since="now-7d",
    rows={
        "Do customers have to come back?": (
            number("Contacts, last $long_window", shown("contacts", window=_W), ["contacts"], COUNT, height=8),
            lines(
                "Repeat contacts, last $long_window",
                {"within {{within}}": shown("repeat_contact_ratio", "within", window=_W)},
                ["repeat_contact_ratio"],
                SHARE,
                width=7,
            ),
            lines(
                "First-contact resolution, 7 days",
                {"within {{within}}": shown("fcr_ratio", "within", window=_LONG)},
                ["fcr_ratio"],
                SHARE,
                width=7,
            ),
            number(
                "Time to solution, median of last $long_window",
                shown("time_to_solution_seconds", window=_W, quantile="0.5"),
                ["time_to_solution"],
                SECONDS,
                width=6,
                height=8,
            ),
        ),
        "Do they stay?": (
            number("Active customers now", shown("customers_active", by="all"), ["customers_active"], COUNT, height=8),
            lines(
                "Joined and churned, last $long_window",
                {
                    "joined": shown("customers_joined", by="all", window=_W),
                    "churned": shown("customers_churned", by="all", window=_W),
                },
                ["customers_joined", "customers_churned"],
                COUNT,
                width=8,
            ),
            number("Churn, 30 days", shown("churn_ratio", by="all", window="30d"), ["churn_ratio"], SHARE, height=8),
            number(
                "Retention, 30 days",
                shown("retention_ratio", by="all", window="30d"),
                ["retention_ratio"],
                SHARE,
                height=8,
            ),
            number(
                "Customers at risk of leaving now",
                shown("churn_risk_customers"),
                ["churn_risk_customers"],
                COUNT,
                height=8,
            ),
        ),
        "Do they buy?": (
            number(
                "Carts abandoned, 7 days",
                judged(
                    shown("cart_abandonment_ratio", **_CARTS),
                    "cart_abandonment_ratio",
                    ">",
                    shown("cart_abandonment_ratio_samples", **_CARTS),
                ),
                ["cart_abandonment_ratio"],
                SHARE,
                legend="{{state}} · target {{target}} % · n={{n}}",
                height=8,
            ),
            bars(
                "Why and where carts are abandoned, 7 days",
                f"topk(8, {shown('carts_abandoned', 'reason', 'step', **_CARTS)})",
                "{{reason}}{{step}}",
                ["carts_abandoned"],
                COUNT,
            ),
            number(
                "Purchases by earlier buyers, last $long_window",
                shown("repeat_purchase_ratio", by="all", window=_W),
                ["repeat_purchase_ratio"],
                SHARE,
                height=8,
            ),
            bars(
                "Contacts by days since the purchase, last $long_window",
                shown("contacts_after_purchase", "days", window=_W),
                "{{days}} days",
                ["contacts_after_purchase"],
                COUNT,
            ),
        ),
        "What do they say elsewhere?": (
            number("Mentions, last $long_window", shown("mentions", by="all", window=_W), ["mentions"], COUNT, width=6),
            number(
                "Sentiment, mean of last $long_window (-1 to 1)",
                shown("mention_sentiment_mean", by="all", window=_W),
                ["mention_sentiment_mean"],
                COUNT,
                width=6,
            ),
            number(
                "People that detractors may have told, last $long_window",
                shown("word_of_mouth_reach", "bound", window=_W),
                ["word_of_mouth_reach"],
                COUNT,
                legend="{{bound}}",
                width=12,
            ),
        ),
    },
)
