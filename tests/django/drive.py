"""Run by the help desk's own Python: people use it through its pages and its mail, at instants that the test knows."""

import datetime as dt
import email
import logging
import sys

import django
from django.utils import timezone

START = dt.datetime.fromisoformat(sys.argv[1])
clock = START
timezone.now = lambda: clock  # before the help desk imports it
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.test import Client  # noqa: E402
from helpdesk.email import extract_email_metadata  # noqa: E402
from helpdesk.models import Queue, Ticket  # noqa: E402
from helpdesk.update_ticket import update_ticket  # noqa: E402
from support_events.signals import emitter  # noqa: E402


def at(minutes):
    global clock  # noqa: PLW0603
    clock = START + dt.timedelta(minutes=minutes)


def post(client, path, **fields):
    answer = client.post(path, fields)
    assert answer.status_code == 302, (path, answer.content.decode()[-3000:])


def submit(queue, address, title):
    fields = {"queue": queue.pk, "title": title, "body": "It is dark.", "submitter_email": address, "priority": 3}
    post(Client(), "/tickets/submit/", **fields)
    return Ticket.objects.get(title=title)


def mail(queue, subject, text):
    message = email.message_from_string(f"From: ann@example.com\nTo: help@example.com\nSubject: {subject}\n\n{text}\n")
    return extract_email_metadata(message.as_string(), queue, logging.getLogger("mail"))


call_command("migrate", verbosity=0)
bob = get_user_model().objects.create_superuser("bob", "bob@example.org", "secret")
queue = Queue.objects.create(
    title="Billing", slug="billing", email_address="help@example.com", allow_public_submission=True,
    allow_email_submission=True,
)  # fmt: skip
staff = Client()
staff.force_login(bob)


def update(ticket, **fields):
    ticket.refresh_from_db()
    known = {"new_status": ticket.status, "priority": ticket.priority, "queue": queue.pk, "title": ticket.title}
    owner = ticket.assigned_to_id or 0
    post(staff, f"/tickets/{ticket.pk}/update/", **{**known, "owner": owner, "comment": "", **fields})


at(0)
lamp = submit(queue, "ann@example.com", "Lamp")  # by the form: answered after 10 min, solved after 30, reopened, solved
bulb = mail(queue, "Bulb", "It is broken.")  # by mail: stays open
at(2)
wire = submit(queue, "cleo@example.com", "Wire")  # on hold
fuse = submit(queue, "dan@example.com", "Fuse")  # merged into wire
spam = submit(queue, "eve@example.com", "Spam")  # deleted
at(5)
update(lamp, owner=bob.pk)
update(lamp, comment="Only among us.")
at(10)
update(lamp, comment="Have you turned it on?", public="1")
at(12)
mail(queue, f"Re: [billing-{lamp.pk}] Lamp", "Yes, it stays dark.")
at(16)
update(lamp, comment="Then turn it off.", public="1")
post(staff, f"/tickets/{wire.pk}/hold/")
post(staff, f"/tickets/{spam.pk}/delete/")
at(20)
update(bulb, comment="A new one is on its way.", public="1")
post(staff, f"/tickets/merge?tickets={wire.pk}&tickets={fuse.pk}", chosen_ticket=wire.pk)
at(30)
update(lamp, comment="Solved, is it?", public="1", new_status=Ticket.RESOLVED_STATUS)
at(40)
update(lamp, comment="", new_status=Ticket.REOPENED_STATUS)
at(50)
update(lamp, comment="", new_status=Ticket.RESOLVED_STATUS)
with transaction.atomic():
    bulb.refresh_from_db()
    update_ticket(bob, bulb, comment="Never said.", public=True, new_status=Ticket.CLOSED_STATUS)
    transaction.set_rollback(True)
emitter().close(20)
assert emitter().counts().refused == emitter().counts().waiting == 0
