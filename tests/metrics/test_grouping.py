"""The limit of shown values: by events alone, whatever groups there are besides and however they came."""

import itertools

import numpy as np

from streamer.metrics.grouping import OTHER, Places
from streamer.settings import Settings


def shown(groups, counts, limit=2, places=None):
    """What each queue is shown as, by queue."""
    if places is None:
        settings = {"dimensions": {"names": ["queue"], "groupings": [["queue"]], "limit": limit}}
        places = Places(Settings.model_validate(settings))
    places.update([(group,) for group in groups], np.array(counts))
    return {group: places.labels[place][1][0] for group, place in zip(groups, places.of_group[0].tolist(), strict=True)}


def test_the_values_with_the_most_events_are_shown_ties_in_byte_order():
    groups = ["", "b", "c", "a", "é", "Z"]
    assert shown(groups, [9, 1, 5, 1, 1, 1]) == {"": "", "c": "c", "Z": "Z", "a": OTHER, "b": OTHER, "é": OTHER}


def test_the_order_in_which_groups_were_numbered_does_not_matter():
    counts = {"a": 0, "b": 2, "c": 2, "d": 0, "e": 1}
    for limit in (1, 2, 3, 4, 5):
        found = [
            shown(["", *order], [0, *(counts[v] for v in order)], limit) for order in itertools.permutations(counts)
        ]
        assert all(one == found[0] for one in found)


def test_a_value_without_events_takes_no_place():
    assert shown(["", "a", "b"], [0, 0, 3], limit=1) == {"": "", "a": OTHER, "b": "b"}
    # nor does it matter to the others that it is there: an order of arrival that never made it shows them the same
    for limit, counts in itertools.product((1, 2, 3), itertools.product((0, 1, 2), repeat=3)):
        without = shown(["", "b", "c", "d"], [0, *counts], limit)
        with_it = shown(["", "a", "b", "c", "d"], [0, 0, *counts], limit)
        assert {value: with_it[value] for value in without} == without


def test_values_without_events_are_shown_while_those_with_events_leave_a_place_free():
    groups = ["", "a", "b", "c", "d"]
    assert shown(groups, [0, 0, 0, 0, 7]) == {group: group for group in groups}
    assert shown(groups, [0, 0, 0, 1, 7]) == {"": "", "a": OTHER, "b": OTHER, "c": "c", "d": "d"}


def test_places_that_were_kept_are_those_of_places_made_anew():
    places = Places(Settings.model_validate({"dimensions": {"names": ["queue"], "groupings": [["queue"]], "limit": 2}}))
    known = ["", "a", "b"]
    for more, counts in (
        ([], [0, 0, 0]),
        (["c"], [0, 1, 0, 0]),
        ([], [0, 1, 2, 0]),
        ([], [0, 1, 2, 3]),
        ([], [0, 0, 0, 3]),
        (["d"], [1, 1, 0, 3, 0]),
        ([], [1, 0, 0, 0, 4]),
    ):
        known += more
        assert shown(known, counts, places=places) == shown(known, counts)
