"""What a timeline remembers: one customer's tickets, contacts, surveys and purchases, and the facts it may take back.

All Structs are packed as arrays (msgpack) into the timeline's base. What is mostly empty is a tuple: an empty one takes
no memory. Times are integer milliseconds since the epoch, 0 is
"not yet" or "unknown". Facts are kept where a later event may retract or replace them.
"""

from msgspec import Struct, field

from streamer.facts import Fact

#: status numbers: below SOLVED a ticket is open work
NEW, OPEN, PENDING, ON_HOLD, SOLVED, CLOSED, MERGED, DELETED = range(8)
STATUS = {"new": NEW, "open": OPEN, "pending": PENDING, "on_hold": ON_HOLD, "solved": SOLVED, "closed": CLOSED}

#: places in `Work.relations`: facts that depend on the customer's contacts as a whole
R_CONTACT, R_REPEAT, R_PURCHASE, R_FCR_1D, R_FCR_3D, R_FCR_7D, R_FOLLOW, R_RECOVERED, R_COVERED = range(9)


class Work(Struct, array_like=True, gc=False):
    """What tickets, chats and calls have in common: a contact with a start and an end, in a group."""

    group: int = 0
    #: place in the order of first events of this timeline, which orders contacts of one start
    order: int = 0
    first_event: int = 0
    last_event: int = 0
    stub: bool = False
    #: known start of the contact, and the group it had then
    start: int = 0
    start_group: int = 0
    #: the (net) end, and whether its time is no event's (a lost leg)
    end: int = 0
    end_group: int = 0
    end_made: bool = False
    #: place of the event that ended it in the order of the timeline's; 0 where none did
    end_order: int = 0
    #: some leg was answered; the ticket is net solved
    answered: bool = False
    reopened: bool = False
    #: an outbound or callback contact: none of the customer's own
    outbound: bool = False
    #: the customer abandoned at most 24 h before the first event, or in the first leg
    abandoned_first: bool = False
    #: how the customer came; the group has it where `channel` is a dimension
    channel: str = ""
    #: when surveys about it were sent
    surveyed: tuple[int, ...] = ()
    last_abandon: int = 0
    #: the customer was answered after the last abandon, elsewhere
    recovered: int = 0
    #: (abandon, group, fact) for each abandon
    attempts: tuple[tuple[int, int, Fact | None], ...] = ()
    relations: list[Fact | None] = field(default_factory=list)


class Ticket(Work, array_like=True, gc=False):
    """A ticket. `human` and `anyone` are the first customer messages that a human, or anyone, has not answered."""

    status: int = NEW
    created: int = 0
    queue: str = ""
    topic: str = ""
    agent: str = ""
    nobody_since: int = 0
    clock: int = 0
    first_reply: int = 0
    #: the first customer message of a stub, and the group when its first-response target, if it has one, is due
    said: int = 0
    said_group: int = 0
    human: int = 0
    anyone: int = 0
    #: a customer message on a solved ticket, which waits if the ticket is reopened, and the group when a reply is due
    pending: int = 0
    pending_group: int = 0
    #: the same that nobody at all has answered
    pending_anyone: int = 0
    last_reply: int = 0
    replies: int = 0
    suggested: int = 0
    status_since: int = 0
    work_ms: int = 0
    hold_ms: int = 0
    solves: int = 0
    #: due times of targets that run or are breached; 0 where none does
    first_response_due: int = 0
    response_due: int = 0
    resolution_due: int = 0
    #: the group when the resolution target is due
    due_group: int = 0
    #: the misses at those due times, put ahead of time
    first_response_miss: Fact | None = None
    response_miss: Fact | None = None
    resolution_miss: Fact | None = None
    #: a target was missed, whatever came after
    breached: bool = False
    #: the resolution target met at the last solve, until the due time makes it final
    resolution_met: Fact | None = None
    created_fact: Fact | None = None
    topic_fact: Fact | None = None
    reopen_fact: Fact | None = None
    #: an `assigned` was seen: only the first can be the base event
    assigned: bool = False
    #: 0: no base event yet, 1: identified so far, 2: decided
    identified: int = 0
    identified_fact: Fact | None = None
    solve_facts: tuple[Fact, ...] = ()


#: what a contact's current leg does
NO_LEG, WAITING, TALKING, OVER = range(4)


class Wrap(Struct, array_like=True, gc=False):
    """An ended answered leg whose after-contact work may still be reported."""

    agent: str
    end: int
    group: int
    talk: int
    hold: int
    facts: list[Fact]


class Contact(Work, array_like=True, gc=False):
    """A chat or a call; `leg_*` describe its current leg, one stay in one queue."""

    chat: bool = False
    queue: str = ""
    direction: str = "inbound"
    ended: bool = False
    #: the customer ended it while held
    held_off: bool = False
    first_queued: int = 0
    #: the first leg was inbound: the contact's wait is counted
    wait_known: bool = False
    first_answered: int = 0
    answered_inbound: bool = False
    topic: str = ""
    leg: int = NO_LEG
    leg_first: bool = False
    leg_queue: str = ""
    #: the group at the event that opened the leg, with its queue: that of the open work that it is
    leg_group: int = 0
    #: 0 for a stub leg
    leg_queued: int = 0
    leg_since: int = 0
    leg_deadline: int = 0
    leg_rung: bool = False
    leg_transferred: bool = False
    leg_direction: str = "inbound"
    leg_answered: int = 0
    leg_agent: str = ""
    held_since: int = 0
    held_ms: int = 0
    lost_fact: Fact | None = None
    #: some leg waited longer than its queue's target; an answered one ended in a transfer
    waited_over: bool = False
    transferred: bool = False
    wraps: tuple[Wrap, ...] = ()
    clock: int = 0
    first_reply: int = 0
    human: int = 0
    anyone: int = 0
    #: of humans, in a chat
    replies: int = 0
    #: a customer message after `ended`, which waits if the contact is reopened: for a human, for anyone
    pending: int = 0
    pending_anyone: int = 0
    flowed_out: bool = False
    bot: bool = False
    bot_handed: bool = False
    end_facts: tuple[Fact, ...] = ()
    #: since when and in which group legs wait to be called back
    callbacks: tuple[tuple[int, int], ...] = ()
    #: a `queued` has come
    queue_known: bool = False
    #: events of the instant `deferred_at` that have to wait if the first `queued` comes at it, behind the contact before
    deferred_at: int = 0
    deferred: tuple[bytes, ...] = ()
    deferred_facts: tuple[Fact, ...] = ()


class Survey(Struct, array_like=True, gc=False):
    """An invitation and its answer. `own` are its own dimension values, None where it has none."""

    own: list[str | None]
    last_event: int = 0
    #: its first event was neither offered nor sent
    stub: bool = False
    name: str = ""
    kind: str = ""
    about: str = ""
    department: str = ""
    sent: int = 0
    sent_fact: Fact | None = None
    decided: bool = False
    decision: Fact | None = None
    answered: int = 0
    answer_facts: list[Fact] = field(default_factory=list)
    #: an NPS detractor's answer waits for a follow-up since `answered`
    detractor: bool = False
    answer_group: int = 0
    #: place of a satisfaction answer in the order of the timeline's events, and whether it is at_risk
    graded: int = 0
    at_risk: bool = False
    follow_up: Fact | None = None
    #: the answer's place on its scale, in millionths; -1 before there is one
    score: int = -1


class Cart(Struct, array_like=True, gc=False):
    """A shopping cart; `outcome` is its one fact, abandoned or purchased, with the reasons beside it."""

    group: int
    last_event: int = 0
    step: str = ""
    done: bool = False
    facts: list[Fact] = field(default_factory=list)


class Agent(Struct, array_like=True, gc=False):
    """What an agent does, since when, and when last heard of."""

    group: int
    since: int
    status: str = ""
    last_event: int = 0
    heartbeats: bool = False
    queues: list[str] = []


class State(Struct, array_like=True, gc=False):
    """All of one customer (or of one call without a customer), folded from the events in order."""

    customer: bool = True
    events: int = 0
    tickets: dict[str, Ticket] = {}
    contacts: dict[str, Contact] = {}
    surveys: dict[str, Survey] = {}
    carts: dict[str, Cart] = {}
    #: the timeline of an agent has nothing else
    agent: Agent | None = None
    #: no finished contact is older than this minus 90 days
    forget_from: int = 0
    #: first start of an episode -> its time_to_solution
    episodes: dict[str, Fact] = {}
    #: (sent, department) of surveys, esat left out
    sends: list[tuple[int, str]] = []
    fatigued_since: int = 0
    fatigued_until: int = 0
    fatigued_group: int = 0
    #: joined and not churned; `known`: a join or churn was seen
    joined: bool = False
    joined_group: int = 0
    churned: bool = False
    known: bool = False
    #: the last purchases (a contact may have begun a little before the event that tells of it)
    purchases: list[int] = []
    #: the latest start of a contact that was forgotten: the next one may be a repeat of it
    forgotten_start: int = 0
    #: when the customer last abandoned
    last_abandon: int = 0
    #: the last satisfaction answer was at_risk, in this group
    at_risk: bool = False
    risk_group: int = 0

    def clear(self) -> None:
        """Forget everything (erasure)."""
        new = State(customer=self.customer, events=self.events)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(new, name))
