"""Topics as they are against topics as they should be: what is refused, what is only said, what is made."""

import asyncio
import json
import logging
import random

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamer.embedded import EmbeddedBroker
from streamer.processor.config import WorkerConfig
from streamer.processor.topic_checks import Finding, UnfitTopicsError, Verdict, judge
from streamer.processor.topics import CHANGELOG, administer, ensure_topics, inspect, remove, wanted
from tests.cli.test_cli import run

pytestmark = [pytest.mark.slow]


@pytest.fixture
def config(kafka):
    name = f"t{random.randrange(1 << 40):x}"
    return WorkerConfig(
        bootstrap=kafka.bootstrap,
        app_id=f"{name}-app",
        configuration="c",
        partitions=2,
        retention_ms=5_000_000,
        sources=(f"{name}.a", f"{name}.b"),
        dead_letters=f"{name}.dl",
    )


async def made(config, topic, **settings):
    async with administer(config) as admin:
        settings = {name.replace("_", "."): value for name, value in settings.items()}
        response = await admin.create_topics([NewTopic(topic, config.partitions, 1, topic_configs=settings)])
        assert response.topic_errors[0][1] == 0
        while topic not in await admin.list_topics():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def look(config):
    async with administer(config) as admin:
        return await inspect(admin, config)


async def test_topics_are_made_as_they_are_wanted(config):
    assert {finding.verdict for finding in await look(config)} == {Verdict.MISSING}
    await ensure_topics(config)
    findings = await look(config)
    assert {finding.verdict for finding in findings} == {Verdict.OK}
    assert {finding.topic: finding.actual for finding in findings if finding.setting == "partitions"} == dict.fromkeys(
        wanted(config), "2"
    )
    assert Finding(config.sources[0], "retention.ms", "5000000", "5000000", Verdict.OK) in findings
    async with administer(config) as admin:
        assert await remove(admin, [*config.changelogs, "never-there"]) == sorted(config.changelogs)
        assert not set(config.changelogs) & set(await admin.list_topics())


async def test_a_changelog_that_is_not_compacted_is_refused_with_the_command_that_mends_it(config):
    changelog = config.changelog("panes")
    await made(config, changelog, cleanup_policy="delete")
    with pytest.raises(
        UnfitTopicsError, match=rf"--entity-name {changelog} --add-config cleanup\.policy=compact"
    ) as refused:
        await ensure_topics(config)
    assert [finding.setting for finding in refused.value.findings] == ["cleanup.policy"]
    async with administer(config) as admin:  # nothing was made beside it
        assert set(wanted(config)) & set(await admin.list_topics()) == {changelog}


async def test_a_compacted_source_is_refused(config):
    await made(config, config.sources[1], cleanup_policy="compact")
    with pytest.raises(UnfitTopicsError, match="would be deleted"):
        await ensure_topics(config)


async def test_a_source_stamped_by_its_producers_is_a_warning_in_words(config, caplog):
    await made(config, config.sources[0], cleanup_policy="delete", retention_ms="1000")
    with caplog.at_level(logging.WARNING):
        await ensure_topics(config)
    said = [record.getMessage() for record in caplog.records if record.name == "streamer.processor.topics"]
    assert len(said) == 2
    assert "message.timestamp.type is CreateTime, not LogAppendTime" in "".join(said)
    assert all(f"kafka-configs.sh --bootstrap-server {config.bootstrap}" in line for line in said)


@pytest.mark.parametrize(
    ("setting", "actual", "verdict"),
    [
        ("retention.ms", "-1", Verdict.OK),
        ("retention.ms", "10", Verdict.OK),
        ("retention.ms", "9", Verdict.WARNING),
        ("max.compaction.lag.ms", "9", Verdict.OK),
        ("max.compaction.lag.ms", "9223372036854775807", Verdict.WARNING),
        ("min.compaction.lag.ms", "9", Verdict.WARNING),
        ("cleanup.policy", "compact,delete", Verdict.WRONG),
        ("cleanup.policy", "", Verdict.UNKNOWN),
    ],
)
def test_verdicts(setting, actual, verdict):
    wanted_value = "compact" if setting == "cleanup.policy" else "10"
    (finding,) = judge("t", {setting: wanted_value}, {setting: actual})
    assert finding.verdict is verdict


def test_what_kafka_is_asked_for_holds_together():
    assert int(CHANGELOG["min.compaction.lag.ms"]) < int(CHANGELOG["max.compaction.lag.ms"])


def command(config, *arguments):
    return run(
        "topics",
        *arguments,
        environ={
            "STREAMER_KAFKA__BOOTSTRAP": config.bootstrap,
            "STREAMER_KAFKA__APP": config.app_id,
            "STREAMER_KAFKA__PARTITIONS": str(config.partitions),
            "STREAMER_LOGS__LEVEL": "warning",
        },
    )


def test_the_command_shows_makes_and_tells_by_its_exit_code(services):
    from tests.services.kafka import Kafka  # noqa: PLC0415

    broker = services.start(Kafka)
    config = WorkerConfig(bootstrap=broker.bootstrap, app_id="app", configuration="c", partitions=3)
    missing = command(config)
    assert missing.returncode == 1
    assert "missing: topic support.tickets does not exist; mend it with: streamer topics --create" in missing.stderr
    created = command(config, "--create")
    assert (created.returncode, created.stderr) == (0, "")
    lines = [line.split() for line in created.stdout.splitlines()]
    assert ["support.tickets", "message.timestamp.type", "LogAppendTime", "LogAppendTime", "ok"] in lines
    asyncio.run(alter(config, "app-panes", "cleanup.policy", "delete"))
    asyncio.run(alter(config, "support.calls", "message.timestamp.type", "CreateTime"))
    wrong = command(config, "--json")
    assert wrong.returncode == 1
    found = [finding for finding in json.loads(wrong.stdout) if finding["verdict"] != "ok"]
    # (aiokafka's way to alter a setting puts the others back to the brokers' defaults)
    verdicts = {(f["topic"], f["setting"]): f["verdict"] for f in found}
    assert verdicts["support.calls", "message.timestamp.type"] == "warning"
    assert verdicts["app-panes", "cleanup.policy"] == "wrong"
    assert "--entity-name app-panes --add-config cleanup.policy=compact" in "".join(f["message"] for f in found)
    other = command(WorkerConfig(bootstrap=broker.bootstrap, app_id="app", configuration="c", partitions=4))
    assert other.returncode == 1
    assert "topic support.tickets: partitions is 3, not 4" in other.stderr


async def alter(config, topic, setting, value):
    async with administer(config) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {setting: value})])


@pytest.mark.usefixtures("embedded_broker")  # it can be had
def test_the_embedded_broker_tells_what_it_was_told():
    own = EmbeddedBroker()  # the shared one may have these topics already
    own.start()
    with own:
        config = WorkerConfig(bootstrap=own.bootstrap, app_id="topics", configuration="c", partitions=4)
        result = command(config, "--create")
    assert result.returncode == 0
    assert "wrong" not in result.stdout


def test_brokers_that_do_not_answer_are_a_failed_dependency():
    config = WorkerConfig(bootstrap="127.0.0.1:1", app_id="app", configuration="c")
    assert command(config).returncode == 69
