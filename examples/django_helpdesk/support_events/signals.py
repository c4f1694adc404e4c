"""django-helpdesk's tickets and follow-ups as events: Django's signals in, the emitter's methods out.

An event leaves when the transaction has been committed. Where it cannot be accepted (the spool is full) Django logs the
error, and the help desk works on.
"""

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone
from helpdesk.decorators import is_helpdesk_staff
from helpdesk.models import FollowUp, Ticket
from helpdesk.signals import new_ticket_done

from streamer import Emitter

# A duplicate without the ticket that it was merged into is work that ended, too.
STATUS = {
    Ticket.OPEN_STATUS: "open",
    Ticket.REOPENED_STATUS: "open",
    Ticket.RESOLVED_STATUS: "solved",
    Ticket.CLOSED_STATUS: "closed",
    Ticket.DUPLICATE_STATUS: "closed",
}
PRIORITY = {1: "critical", 2: "high", 3: "normal", 4: "low", 5: "very low"}


@cache
def emitter() -> Emitter:
    """Return the process's emitter, made at the first event: `manage.py migrate` needs no spool."""
    return Emitter(**settings.SUPPORT_EVENTS)


def emit(method: str, ticket: Ticket, **fields: Any) -> None:
    """Emit an event of a ticket once what led to it is committed; now, outside of a transaction."""
    common: dict[str, Any] = {
        "customer": (ticket.submitter_email or f"nobody-{ticket.pk}").lower(),
        "queue": ticket.queue.slug,
        "priority": PRIORITY.get(int(ticket.priority)),
        "time": timezone.now(),
    }
    transaction.on_commit(partial(_call, method, str(ticket.pk), {**common, **fields}), robust=True)


def _call(method: str, subject: str, fields: dict[str, Any]) -> None:
    getattr(emitter(), method)(subject, **fields)


def status_of(ticket: Ticket) -> str:
    """Return the event's status; a status of the installation's own is still work."""
    status = STATUS.get(ticket.status, "open")
    return "on_hold" if ticket.on_hold and status == "open" else status


def agent_of(ticket: Ticket) -> str:
    """Return the assignee's login, "" for nobody."""
    return ticket.assigned_to.get_username() if ticket.assigned_to else ""


@receiver(pre_save, sender=Ticket)
def remember(instance: Ticket, **_: Any) -> None:
    """Keep what is stored now: `changed` compares with it."""
    instance.stored = Ticket.objects.filter(pk=instance.pk).first()


@receiver(post_save, sender=Ticket)
def changed(instance: Ticket, *, created: bool, **_: Any) -> None:
    """Tell a new status, assignee or queue, and a merge."""
    before = instance.stored
    if created or before is None:
        instance.opening = True
    elif instance.merged_to_id and instance.merged_to_id != before.merged_to_id:
        emit("ticket_merged", instance, into=str(instance.merged_to_id), id=f"merged-{instance.pk}")
    else:
        if (agent_of(instance), instance.queue_id) != (agent_of(before), before.queue_id):
            emit("ticket_assigned", instance, agent=agent_of(instance))
        if status_of(instance) != status_of(before):
            emit("ticket_status_changed", instance, status=status_of(instance))


@receiver(post_save, sender=FollowUp)
def said(instance: FollowUp, *, created: bool, **_: Any) -> None:
    """Tell a comment; the one that opens a ticket is part of `ticket_created`."""
    ticket = instance.ticket
    opening = ticket.__dict__.pop("opening", False)
    if created and instance.comment and not opening:
        agent = instance.user.get_username() if _by_staff(instance) else None
        author = "agent" if agent else "customer"
        about = {"author": author, "agent": agent, "public": bool(instance.public)}
        emit("ticket_message", ticket, **about, time=instance.date, id=f"followup-{instance.pk}")


@receiver(new_ticket_done)
def opened(ticket: Ticket, **_: Any) -> None:
    """Tell a new ticket: the help desk's forms, mail and API send this signal once its first follow-up is saved."""
    first = ticket.followup_set.order_by("pk").first()
    by = "agent" if first and _by_staff(first) else "customer"
    emit(
        "ticket_created",
        ticket,
        created_by=by,
        agent=agent_of(ticket) or None,
        time=ticket.created,
        id=f"created-{ticket.pk}",
    )


@receiver(post_delete, sender=Ticket)
def deleted(instance: Ticket, **_: Any) -> None:
    """Tell that a ticket is gone."""
    emit("ticket_deleted", instance, reason="other", id=f"deleted-{instance.pk}")


def _by_staff(followup: FollowUp) -> bool:
    return followup.user is not None and is_helpdesk_staff(followup.user)
