"""Real calls through the whole program: its numbers are those that pandas computes from the table."""

import lzma
import re
import tomllib

import pytest

from streamer.replay import exposition, read_all
from streamer.settings import Settings
from tests.emit.test_anonymous_bank import ROOT, THREE_DAYS, calls_of_table, emitted

# The bank's clock is read as UTC; the month ends at midnight.
JANUARY_4TH, FEBRUARY_1ST = 915_408_000_000, 917_827_200_000
(BANK_TOML,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "real-data.md").read_text(), re.DOTALL)
WINDOW = "90d"


def numbers(events_file, at):
    settings = Settings.model_validate(tomllib.loads(BANK_TOML))
    refused = []
    text = exposition(settings, read_all(settings, [str(events_file)], refused), at)
    assert refused == []
    prefix = 'by="all",channel=""'
    found = {}
    for line in text.splitlines():
        if prefix in line and f'window="{WINDOW}"' in line:
            name, value = line.rsplit(" ", 1)
            found[name.replace(',channel="",', ",").replace(',queue=""', "").replace(',team=""', "")] = float(value)
    return found


def check(events_file, table_file, at):
    shown = numbers(events_file, at)
    calls = calls_of_table(table_file)
    answered = calls[calls["outcome"] == "answered"]
    abandoned = calls[calls["outcome"] == "abandoned"]
    one = f'window="{WINDOW}"}}'
    legs = {
        o: shown[f'support_queue_legs{{by="all",outcome="{o}",{one}']
        for o in ("answered", "abandoned", "abandoned_short")
    }
    assert legs["answered"] == len(answered)
    assert legs["abandoned"] + legs["abandoned_short"] == len(abandoned)
    assert shown[f'support_abandon_ratio{{by="all",short="included",{one}'] == pytest.approx(
        len(abandoned) / len(calls)
    )
    assert shown[f'support_answer_wait_mean_seconds{{by="all",{one}'] == pytest.approx(answered["wait_s"].mean())
    assert shown[f'support_abandon_wait_mean_seconds{{by="all",{one}'] == pytest.approx(abandoned["wait_s"].mean())
    assert shown[f'support_handle_mean_seconds{{by="all",part="talk",{one}'] == pytest.approx(answered["talk_s"].mean())
    return shown, calls


def test_three_days_of_calls_give_the_table_s_numbers(tmp_path):
    target = tmp_path / "events.jsonl"
    emitted(THREE_DAYS, target)
    check(target, THREE_DAYS, JANUARY_4TH + 6 * 3_600_000)


@pytest.mark.slow
def test_the_month_of_calls_gives_the_published_numbers(tmp_path, shared):
    """30,161 calls offered, 10.28 % of them abandoned."""
    packed = shared / "data" / "anonymous_bank_1999_01.tsv.xz"
    table = tmp_path / "month.tsv"
    table.write_bytes(lzma.decompress(packed.read_bytes()))
    target = tmp_path / "events.jsonl"
    emitted(packed, target)
    shown, calls = check(target, table, FEBRUARY_1ST + 6 * 3_600_000)
    assert len(calls) == 30_161
    assert round(shown['support_abandon_ratio{by="all",short="included",window="90d"}'], 4) == 0.1028
