"""Random events of every kind, plausible or not, for comparing two programs: noise(n, seed) in order of time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

START = datetime.fromisoformat("2026-02-01T00:00:00+00:00")
_HOUR = 3_600_000
_TICKET = ["message", "assigned", "status_changed", "categorized", "suggested", "merged", "deleted"]
_CONTACT = [
    "offered",
    "not_answered",
    "answered",
    "message",
    "held",
    "resumed",
    "transferred",
    "abandoned",
    "left_queue",
    "ended",
    "wrapped_up",
    "queued",
]
_KINDS = ["csat", "nps", "ces", "esat", "relationship", "experience"]


class Noise:
    def __init__(self, seed: int, days: int, customers: int) -> None:
        self.random = random.Random(seed)
        self.days, self.customers = days, customers
        self.events: list[dict[str, Any]] = []
        self.entities: list[tuple[str, str, int]] = []  # id, customer, begun

    def add(self, kind: str, subject: str, at: int, customer: str | None = None, /, **data: Any) -> None:
        when = START + timedelta(milliseconds=at)
        envelope = {"specversion": "1.0", "id": f"e{len(self.events)}", "source": "noise", "type": "support." + kind}
        own = {"customer": customer} if customer else {}
        self.events.append(
            {**envelope, "time": when.isoformat(timespec="milliseconds"), "subject": subject, "data": {**own, **data}}
        )

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def later(self, mean: int) -> int:
        # whole seconds often, so that ties and borders happen
        step = int(self.random.expovariate(1 / mean))
        return step // 1000 * 1000 if self.chance(0.5) else step

    def fill(self, count: int) -> list[dict[str, Any]]:
        number = 0
        makers = [self.ticket, self.contact, self.survey, self.customer, self.agent]
        while len(self.events) < count:
            number += 1
            at = self.random.randrange(self.days * 24 * _HOUR)
            self.random.choices(makers, [6, 8, 4, 2, 1])[0](
                str(number), f"c{self.random.randrange(self.customers)}", at
            )
        return sorted(self.events[:count], key=lambda e: e["time"])

    def dims(self) -> dict[str, str]:
        queue = {"queue": self.pick("a", "b", "c")} if self.chance(0.4) else {}
        return {**queue, **({"team": self.pick("x", "y")} if self.chance(0.4) else {})}

    def ticket(self, number: str, customer: str, at: int) -> None:
        self.entities.append(("t" + number, customer, at))
        whats = ["created", *self.random.choices(_TICKET, [6, 2, 5, 1, 1, 0.2, 0.2], k=self.random.randrange(2, 9))]
        for what in whats[self.chance(0.1) :]:
            data: dict[str, Any] = self.dims()
            if what == "created":
                data["created_by"] = self.pick("customer", "agent", "system")
            elif what == "message":
                author = self.pick("customer", "agent", "agent", "bot", "system")
                data.update(author=author, public=self.chance(0.9), automated=self.chance(0.1))
            elif what == "assigned":
                data["agent"] = self.pick("", "g1", "g2")
            elif what == "status_changed":
                data["status"] = self.pick("open", "pending", "on_hold", "solved", "solved", "closed")
            elif what == "categorized":
                data["topic"] = f"top{self.random.randrange(14)}"
            self.add("ticket." + what, "t" + number, at, customer, **data)
            at += self.later(3 * _HOUR)

    def contact(self, number: str, customer: str, at: int) -> None:
        entity = self.pick("chat", "call")
        known = customer if entity == "chat" or self.chance(0.8) else None
        self.entities.append(("k" + number, customer, at))
        weights = [2, 1, 5, 4, 1, 1, 1, 1, 0.7, 3, 2, 0.5]
        whats = ["queued", *self.random.choices(_CONTACT, weights, k=self.random.randrange(2, 9))]
        for what in whats[self.chance(0.1) :]:
            if what == "message" and entity == "call":
                continue
            data: dict[str, Any] = {"team": self.pick("x", "y")} if self.chance(0.2) else {}
            if what == "queued":
                data["queue"] = self.pick("a", "b", "c")
                if self.chance(0.15):
                    data["direction"] = self.pick("outbound", "callback", "inbound")
            elif what == "message":
                data.update(author=self.pick("customer", "agent", "bot"), automated=self.chance(0.1))
            elif what == "transferred":
                data.update(to_queue=self.pick("a", "b", "c"), kind=self.pick("blind", "consult"))
            elif what == "left_queue":
                data["reason"] = self.pick("timeout", "callback", "overflow")
            elif what == "ended":
                data["by"] = self.pick("customer", "agent")
            elif what in {"answered", "wrapped_up"}:
                data["agent"] = self.pick("g1", "g2")
                if what == "answered" and self.chance(0.1):
                    data["waited_seconds"] = self.random.randrange(60)
            self.add(f"{entity}.{what}", "k" + number, at, known, **data)
            at += self.later(60_000 if self.chance(0.95) else 5 * _HOUR)

    def survey(self, number: str, customer: str, at: int) -> None:
        about = ""
        if self.entities:
            about, customer, begun = self.random.choice(self.entities)
            at = begun + self.later(10 * _HOUR)
        common = {"kind": self.pick(*_KINDS), "survey": "S" + self.pick("1", "2"), "about": about}
        name = "s" + number
        if self.chance(0.2):
            self.add("survey.offered", name, at, customer, shown=self.chance(0.5))
        if self.chance(0.9):
            self.add("survey.sent", name, at, customer, department=self.pick("D", "E"), **common)
        for _ in range(self.pick(0, 1, 1, 2)):
            at += self.later(30 * _HOUR)
            started = (START + timedelta(milliseconds=at - self.random.randrange(300_000))).isoformat()
            data: dict[str, Any] = {
                "score": self.random.randrange(1, 11),
                "scale_min": 1,
                "scale_max": 10,
                "started_at": started,
            }
            if self.chance(0.5):
                sentiment = round(self.random.uniform(-1, 1), 3)
                topics = [f"z{self.random.randrange(12)}", "z1"]
                data.update(
                    has_comment=True, comment_sentiment=sentiment, comment_topics=topics, resolved=self.chance(0.7)
                )
            if self.chance(0.3):
                data.update(best="low", ratings={"tone": self.random.randrange(1, 11)})
            self.add("survey.answered", name, at, customer, **common, **data)
        if self.chance(0.2):
            self.add("survey." + self.pick("declined", "expired"), name, at + self.later(_HOUR), customer)

    def customer(self, number: str, customer: str, at: int) -> None:
        what = self.pick("customer.joined", "customer.churned", "customer.purchased", "cart", "cart", "mention.posted")
        if what == "cart":
            for step in ["opened", "stepped", self.pick("purchased", "abandoned", "stepped")][
                : self.random.randrange(1, 4)
            ]:
                data = {"step": self.pick("items", "payment")} if step == "stepped" else {}
                if step == "abandoned" and self.chance(0.5):
                    data = {"reason": self.pick("price", "other")}
                self.add("cart." + step, "w" + number, at, customer, **data)
                at += self.later(_HOUR)
        elif what == "mention.posted":
            self.add(what, "m" + number, at, customer, sentiment=round(self.random.uniform(-1, 1), 2))
        elif what == "customer.purchased":
            amount = self.random.randrange(10_000) / 100
            self.add(what, customer, at, customer, amount=amount, currency=self.pick("EUR", "USD"), **self.dims())
        else:
            self.add("customer.erased" if self.chance(0.05) else what, customer, at, customer, **self.dims())

    def agent(self, number: str, _: str, at: int) -> None:
        name = f"g{int(number) % 9}"
        for _ in range(self.random.randrange(1, 5)):
            if self.chance(0.5):
                status = self.pick("available", "on_contact", "wrap_up", "away", "offline")
                self.add(
                    "agent.status_changed",
                    name,
                    at,
                    None,
                    agent=name,
                    status=status,
                    queues=["a", "b"],
                    team=self.pick("x", "y"),
                )
            else:
                self.add("agent.heartbeat", name, at, None, agent=name)
            at += self.later(200_000)


def noise(count: int, seed: int = 1, *, days: int = 40, customers: int = 150) -> list[dict[str, Any]]:
    return Noise(seed, days, customers).fill(count)
