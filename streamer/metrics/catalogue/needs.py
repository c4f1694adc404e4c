"""Which events, and which of their fields, several metrics need. The form is that of `Metric.needs`.

`chat/call.queued/ended: by` stands for each of the entities with each of the names; fields are those of the event's data.
"""

from typing import Final

Needs = tuple[str, ...]

CREATED: Final = "ticket.created: customer created_by"
MESSAGE: Final = "ticket.message: author public automated"
ASSIGNED: Final = "ticket.created/assigned: agent"
STATUS: Final = "ticket.status_changed: status"
GONE: Final = "ticket.merged/deleted"

TICKETS: Final[Needs] = (CREATED, GONE)
REPLIES: Final[Needs] = (CREATED, MESSAGE)
SOLVES: Final[Needs] = (CREATED, STATUS)
OPEN_TICKETS: Final[Needs] = (CREATED, STATUS, GONE)
TOPICS: Final[Needs] = (CREATED, "ticket.created/categorized: topic", GONE)

QUEUED: Final = "chat/call.queued: queue direction"
ANSWERED: Final = "chat/call.answered: agent waited_seconds"
TRANSFERRED: Final = "chat/call.transferred: to_queue kind"
LEFT_QUEUE: Final = "chat/call.left_queue: reason"
ABANDONED: Final = "chat/call.abandoned"
ENDED: Final = "chat/call.ended: by"
HELD: Final = "chat/call.held/resumed"
CHAT_MESSAGE: Final = "chat.message: author automated"

LEGS: Final[Needs] = (QUEUED, ANSWERED, ABANDONED, LEFT_QUEUE, TRANSFERRED, ENDED)

CONTACT_STARTS: Final[Needs] = (CREATED, GONE, "chat/call.queued: customer direction", "chat.message: customer")
CONTACTS: Final[Needs] = (*CONTACT_STARTS, STATUS, ANSWERED, ABANDONED, LEFT_QUEUE, "chat/call.ended")

SCORE: Final = "survey.answered: kind survey score scale_min scale_max best"
SCORED: Final[Needs] = (SCORE,)
SENT: Final = "survey.sent: kind"
ABOUT: Final = "survey.sent: about"
