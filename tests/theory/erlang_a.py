"""The queue M/M/c+M (Palm; "Erlang-A"): Poisson arrivals, exponential service and patience, first come first served.

Two independent ways to the same numbers. `by_density` integrates the density of the offered wait (Baccelli and
Hebuterne 1981; Zeltyn and Mandelbaum, "Call centers with impatient customers", 2005, section 4), which for exponential
patience are the formulas of Palm and of Garnett, Mandelbaum and Reiman, "Designing a call center with impatient
customers", 2002. `by_chain` solves the birth-and-death chain of the number in the system, and follows one customer
through the line, place by place.

Rates are a second (of any unit of time), times in the same unit.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Performance(NamedTuple):
    """What the caller sees: shares of all calls, and the mean wait of the answered."""

    abandoned: float
    answered_within: float
    answered_wait: float
    abandoned_wait: float


@dataclass(frozen=True, kw_only=True)
class ErlangA:
    """`arrivals` and `service` (of one agent) and `impatience` are rates."""

    arrivals: float
    service: float
    agents: int
    impatience: float

    def by_density(self, target: float) -> Performance:
        """Integrate over the offered wait: how long a caller of endless patience would wait."""
        lam, theta, capacity = self.arrivals, self.impatience, self.agents * self.service

        def exponent(wait):
            return lam * -np.expm1(-theta * wait) / theta - capacity * wait

        def weight(wait):
            return lam * np.exp(exponent(wait))

        # epsilon: the chance of no wait, in the measure of `weight`: sum over n < c of (c-1)!/n! (mu/lambda)^(c-1-n).
        term = epsilon = 1.0
        for busy in range(self.agents - 1, 0, -1):
            term *= busy * self.service / lam
            epsilon += term
        # The exponent is concave and begins at 0: from here on the weight is below e^-60.
        far = 1 / capacity
        while exponent(far) > -60:
            far *= 2
        total = epsilon + _integral(weight, far)
        abandoned = _integral(lambda wait: weight(wait) * -np.expm1(-theta * wait), far) / total
        served_wait = _integral(lambda wait: weight(wait) * wait * np.exp(-theta * wait), far) / total
        within = epsilon / total + _integral(lambda wait: weight(wait) * np.exp(-theta * wait), target) / total
        return self._performance(abandoned, within, served_wait)

    def by_chain(self, target: float) -> Performance:
        """Solve the chain: its stationary distribution, then the way of one arriving caller through the line."""
        capacity = self.agents * self.service
        longest = 10
        while self._tail(longest) > 1e-15:
            longest *= 2
        chances = [1.0]
        for number in range(1, self.agents + longest):
            leaving = min(number, self.agents) * self.service + max(0, number - self.agents) * self.impatience
            chances.append(chances[-1] * self.arrivals / leaving)
        scale = 1 / math.fsum(chances)
        chances = [chance * scale for chance in chances]
        answered = within = math.fsum(chances[: self.agents])
        served, wait, served_wait = 1.0, 0.0, 0.0
        progress = [capacity + ahead * self.impatience for ahead in range(longest)]
        soon = self._served_within(progress, target)
        for ahead, chance in enumerate(chances[self.agents :]):
            rate = progress[ahead] + self.impatience
            wait = progress[ahead] / rate * (wait + served / rate)
            served *= progress[ahead] / rate
            answered += chance * served
            served_wait += chance * wait
            within += chance * soon[ahead]
        return self._performance(1 - answered, within, served_wait)

    def abandoned_by_palm(self) -> float:
        """Return the share that abandons by the closed form: Palm's A(x, y) and Erlang's loss formula."""
        x, y = self.agents * self.service / self.impatience, self.arrivals / self.impatience
        term = series = 1.0
        place = 0
        while term > series * 1e-17:
            place += 1
            term *= y / (x + place)
            series += term
        loss, load = 1.0, self.arrivals / self.service
        for agents in range(1, self.agents + 1):
            loss = load * loss / (agents + load * loss)
        waits = series * loss / (1 + (series - 1) * loss)
        usage = load / self.agents
        return waits * (1 / (usage * series) + 1 - 1 / usage)

    def _performance(self, abandoned: float, within: float, served_wait: float) -> Performance:
        # Whoever leaves does so at rate theta while waiting, so the mean wait of all is P(abandoned) / theta.
        all_wait = abandoned / self.impatience
        abandoned_wait = (all_wait - served_wait) / abandoned
        return Performance(float(abandoned), float(within), float(served_wait / (1 - abandoned)), float(abandoned_wait))

    def _tail(self, length: int) -> float:
        """Return (up to a constant) how likely a line of that length is."""
        return math.exp(
            math.fsum(
                math.log(self.arrivals / (self.agents * self.service + place * self.impatience))
                for place in range(1, length + 1)
            )
        )

    def _served_within(self, progress: list[float], target: float) -> list[float]:
        """Return, for so many ahead, the chance to be served within `target`: uniformization of the way to the head."""
        rates = np.array(progress)
        fastest = rates[-1] + self.impatience
        onward, stay = rates / fastest, 1 - (rates + self.impatience) / fastest
        # chances[k]: served after so many jumps with k - 1 ahead; the first entry is "already served".
        chances = np.zeros(len(rates) + 1)
        chances[0] = 1.0
        mean = fastest * target
        jumps = int(mean + 12 * math.sqrt(mean) + 40)
        total = np.zeros_like(chances)
        for jump in range(jumps):
            total += math.exp(jump * math.log(mean) - mean - math.lgamma(jump + 1)) * chances
            chances[1:] = onward * chances[:-1] + stay * chances[1:]
        return [float(chance) for chance in total[1:]]


def _integral(function, far: float) -> float:
    """Integrate from 0 by Gauss's rule on pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    total = 0.0
    for low, high in pairwise(np.linspace(0, far, 401)):
        half = (high - low) / 2
        total += half * float(np.dot(weights, function(low + half * (nodes + 1))))
    return total
