"""Why a record could not be accepted: a documented list of codes, and the exception that carries one."""

from enum import StrEnum

from streamer.errors import StreamerError


class Code(StrEnum):
    """The code of a dead letter. Of several that apply, the first in this list is given."""

    TOO_DEEP = "too_deep"
    """Objects and arrays are nested deeper than 32 levels, the event itself being the first. Brackets outside strings
    are counted, so this also says it of a value that is no JSON further on."""

    TOO_LARGE = "too_large"
    """The value is longer than 64 KiB."""

    NOT_JSON = "not_json"
    """No value, an empty one, or one that is not a JSON object in UTF-8; also half of a surrogate pair in a string."""

    UNKNOWN_TYPE = "unknown_type"
    """`type` is a string, but none of the event types."""

    WRONG_TOPIC = "wrong_topic"
    """The event type belongs to another topic."""

    MISSING_ATTRIBUTE = "missing_attribute"
    """A required attribute of the envelope or of `data` is absent; so is `type`, before anything else is looked at."""

    WRONG_TYPE = "wrong_type"
    """A value has the wrong JSON type (null included), or lies outside its enumeration, length, format or bounds; or
    scale_min is not below scale_max by a millionth, or the event's time is one of a clock that was never set: before
    26 April 1970. Of missing and wrong attributes the one that is met first is named."""

    NO_SCALE = "no_scale"
    """An answer has no scale: it lacks scale_min or scale_max, and none is configured under its survey's name."""

    SCORE_OUT_OF_SCALE = "score_out_of_scale"
    """The score or one of the ratings lies outside the scale."""

    WRONG_KEY = "wrong_key"
    """The record's key is not the event's customer, or where it has none, its subject."""

    FUTURE_TIME = "future_time"
    """The event's time is more than 5 minutes after its arrival."""


class InvalidEvent(StreamerError, ValueError):  # noqa: N818 - it is a verdict on a record, not a failure
    """A record that goes to the dead letters; trying again cannot help until its producer or the settings change.

    `code` says why, and `detail` where, as a JSON path without any value of the payload, which may be personal.
    `source` is the event's source for the counters, as far as one can be read, else empty.
    """

    exit_code = 65

    def __init__(self, code: Code, detail: str, source: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.source = source
