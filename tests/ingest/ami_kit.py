"""An Asterisk's manager interface for tests: its messages as its documentation has them, and a TCP server that speaks it."""

import asyncio
import hashlib
import itertools

SECRET = "s3cret-of-the-pbx"
T = 1_795_500_000
CALLER = "+4915112345678"


def channel(prefix, unique, number="<unknown>"):
    """The lines of a channel's snapshot, which most messages have of one or two channels."""
    name = f"PJSIP/{unique.rpartition('.')[2]}-00000001"
    values = {"Channel": name, "ChannelState": "6", "ChannelStateDesc": "Up", "CallerIDNum": number}
    values |= {"CallerIDName": "Jane Canary", "ConnectedLineNum": "<unknown>", "ConnectedLineName": "<unknown>"}
    values |= {"Language": "en", "AccountCode": "", "Context": "queues", "Exten": "100", "Priority": "2"}
    values |= {"Uniqueid": unique, "Linkedid": unique}
    return {f"{prefix}{key}": value for key, value in values.items()}


def said(event, second=None, **values):
    """Return an event as Asterisk sends it; with `second`, stamped (timestampevents = yes)."""
    head = {"Event": event, "Privilege": "agent,all"}
    if second is not None:
        head["Timestamp"] = f"{T + second:.6f}"
    return "".join(f"{key}: {value}\r\n" for key, value in {**head, **values}.items()) + "\r\n"


def of_caller(event, call, second=None, queue="billing", number=CALLER, **values):
    return said(event, second, **channel("", f"{T}.{call}", number), **({"Queue": queue} if queue else {}), **values)


def of_agent(event, call, second=None, queue="billing", agent="PJSIP/101", **values):
    """An event of a caller's and an agent's channel; the agent's is 9 and the call's number."""
    member = {"Queue": queue, "MemberName": agent, "Interface": agent}
    caller, dest = channel("", f"{T}.{call}", CALLER), channel("Dest", f"{T}.9{call}", "101")
    return said(event, second, **caller, **dest, **member, **values)


def member(event, second=None, queue="billing", agent="PJSIP/101", status=1, paused=0, in_call=0):
    values = {"Queue": queue, "MemberName": agent, "Interface": agent, "StateInterface": agent, "Membership": "static"}
    values |= {"Penalty": 0, "CallsTaken": 3, "LastCall": T - 60, "LastPause": 0, "LoginTime": T - 3600}
    values |= {
        "InCall": in_call,
        "Status": status,
        "Paused": paused,
        "PausedReason": "",
        "Ringinuse": 0,
        "Wrapuptime": 0,
    }
    return said(event, second, **values)


def join(call, second=None, **values):
    return of_caller("QueueCallerJoin", call, second, Position=1, Count=1, **values)


def abandon(call, second=None, **values):
    return of_caller("QueueCallerAbandon", call, second, Position=1, OriginalPosition=1, HoldTime=40, **values)


def leave(call, second=None, **values):
    return of_caller("QueueCallerLeave", call, second, Position=1, Count=0, **values)


def connect(call, second=None, hold=20, ring=5, **values):
    return of_agent("AgentConnect", call, second, HoldTime=hold, RingTime=ring, **values)


def complete(call, second=None, reason="caller", **values):
    return of_agent("AgentComplete", call, second, HoldTime=20, TalkTime=60, Reason=reason, **values)


def picked(call, second=None):
    caller, dest = channel("", f"{T}.{call}", CALLER), channel("Dest", f"{T}.9{call}", "101")
    return said("DialEnd", second, **caller, **dest, DialStatus="ANSWER")


def answered(call, second, **values):
    """What Asterisk says from the ringing to the answer, in its order."""
    return [
        of_agent("AgentCalled", call, second - 5, **values),
        picked(call, second),
        leave(call, second, **({"queue": values["queue"]} if "queue" in values else {})),
        connect(call, second, **values),
    ]


def entry(call, waited, queue="billing"):
    """A caller who waits, as QueueStatus lists it."""
    values = {"Queue": queue, "Position": 1, "Channel": "PJSIP/1-1", "Uniqueid": f"{T}.{call}", "CallerIDNum": CALLER}
    return said("QueueEntry", **values, CallerIDName="Jane Canary", Wait=waited, Priority=0)


LISTED = said("QueueStatusComplete", EventList="Complete", ListItems=0)


class Asterisk:
    """A manager interface. Each connection that logs in gets the next of `scripts`: bytes, seconds to wait, or an event.

    After its script a connection is closed, unless the script ends with None: then it stays.
    """

    def __init__(self, *scripts, secret=SECRET):
        self._scripts = iter(scripts)
        self._secret = secret
        self.received = []
        self.logins = 0
        self.port = 0
        self._ids = itertools.count(1)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _action(self, reader):
        values = {}
        while (line := (await reader.readline()).decode()).strip():
            self.received.append(line.strip())
            name, _, value = line.partition(":")
            values[name.strip()] = value.strip()
        return values

    async def _serve(self, reader, writer):
        try:
            writer.write(b"Asterisk Call Manager/9.0.0\r\n")
            await self._action(reader)
            challenge = f"{next(self._ids)}23456"
            writer.write(f"Response: Success\r\nChallenge: {challenge}\r\n\r\n".encode())
            login = await self._action(reader)
            if login.get("Key") != hashlib.md5(f"{challenge}{self._secret}".encode()).hexdigest():
                writer.write(b"Response: Error\r\nMessage: Authentication failed\r\n\r\n")
                await writer.drain()
                return
            writer.write(b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n")
            writer.write(b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n")
            self.logins += 1
            await self._action(reader)  # QueueStatus
            for part in next(self._scripts, ()):
                if part is None:
                    while await self._action(reader):
                        writer.write(b"Response: Success\r\nPing: Pong\r\n\r\n")
                elif isinstance(part, asyncio.Event):
                    await writer.drain()
                    await part.wait()
                elif isinstance(part, (int, float)):
                    await writer.drain()
                    await asyncio.sleep(part)
                else:
                    writer.write(part if isinstance(part, bytes) else part.encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
