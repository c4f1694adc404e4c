"""`streamer emit`: the ids of people, with a key and without."""

import json

from streamer.producers.identity import Identity
from tests.emit.test_emit import emit, line

__all__ = ["emit"]  # a fixture


def test_people_s_ids_are_hashed_with_the_key_of_the_sdk(emit, tmp_path):
    key = tmp_path / "key"
    key.write_text(f"{'k' * 32}\n")
    identity = Identity(b"k" * 32)
    ann, bob = identity.customer("ann@example.com"), identity.agent("bob")
    about = {"customer": "ann@example.com", "agent": "bob"}
    lines = [
        line(type="support.ticket.assigned", subject="T-1", data=about),
        line(type="support.ticket.assigned", subject="T-1", data={**about, "agent": ""}),
        line(type="support.customer.joined", subject="ann@example.com", data={"customer": "ann@example.com"}),
        line(type="support.agent.heartbeat", subject="bob", data={"agent": "bob"}),
        line(subject="+49 151 1234567"),
    ]

    code, out, err = emit("\n".join(lines), "--key-file", str(key), "--out", "-")

    found = [json.loads(value) for value in out.splitlines()]
    assert [(event["subject"], event["data"]) for event in found] == [
        ("T-1", {"customer": ann, "agent": bob}),
        ("T-1", {"customer": ann, "agent": ""}),
        (ann, {"customer": ann}),
        (bob, {"agent": bob}),
    ]
    assert {event["id"] for event in found} == {identity.event_id("1")}
    assert code == 65
    assert "refused $.subject looks like an e-mail address or a phone number: line 5\n" in err
    assert emit(lines[0], "--key-file", str(tmp_path / "nix"))[0] == 78


def test_without_a_key_ids_are_sent_as_they_are_unless_they_are_addresses(emit):
    lines = [
        line(data={"customer": "00123456789", "agent": "17"}),
        line(data={"customer": "ann@example.com"}),
        line(data={"customer": "x", "agent": "+49 151 1234567"}),
        line(type="support.customer.joined", subject="0151 1234567", data={"customer": "x"}),
        line(subject="ann@example.com"),
        line(data={"customer": "x", "queue": "ann@example.com"}),
    ]

    code, out, err = emit("\n".join(lines), "--out", "-")

    assert code == 65
    assert [json.loads(value)["data"] for value in out.splitlines()] == [{"customer": "00123456789", "agent": "17"}]
    looks, mend = "looks like an e-mail address or a phone number", "; --key-file hashes ids of customers and agents"
    assert err.splitlines()[1:-1] == [
        f"refused $.data.customer {looks}{mend}: line 2",
        f"refused $.data.agent {looks}{mend}: line 3",
        f"refused $.subject {looks}{mend}: line 4",
        f"refused $.subject {looks}: line 5",
        f"refused $.data.queue {looks}: line 6",
    ]
