"""A page in a real Chromium, driven over the DevTools protocol."""

import asyncio
import base64
import json
import re
import time
from contextlib import asynccontextmanager, suppress

from aiohttp import ClientSession, WSMsgType

_SECONDS = 30


class Page:
    """One page; `errors` are what the console says of errors, exceptions and refused policies."""

    def __init__(self, socket):
        self._socket = socket
        self._answers = {}
        self._number = 0
        self.errors = []

    async def listen(self):
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                self.errors.append(said["params"]["entry"]["text"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.errors.append(str(said["params"]["exceptionDetails"]))
            elif said["method"] == "Runtime.consoleAPICalled" and said["params"]["type"] in ("error", "assert"):
                self.errors.append(str(said["params"]["args"]))

    async def call(self, method, **params):
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        said = await asyncio.wait_for(answer, _SECONDS)
        assert "error" not in said, said
        return said["result"]

    async def run(self, script):
        """The value of a script, which may be a promise."""
        done = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def until(self, script, seconds=_SECONDS):
        """The first value of a script that is true."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            value = await self.run(script)
            if value:
                return value
            await asyncio.sleep(0.1)
        text = await self.run("document.body?.innerText")
        raise AssertionError(f"{script} did not come true; the page says: {text}")

    async def text(self, selector):
        return await self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    async def size(self, width, height, *, phone=False):
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    async def media(self, **features):
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def press(self, key, code):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def picture(self, path, *, whole=False):
        """Write a PNG once nothing moves any more."""
        await self.run("Promise.allSettled(document.getAnimations().map(one => one.finished)).then(() => true)")
        done = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(done["data"]))


@asynccontextmanager
async def opened(chromium, url):
    """Open a page; `chromium` is the fixture."""
    process = await asyncio.create_subprocess_exec(
        chromium.path,
        *chromium.flags,
        "--remote-debugging-port=0",
        "about:blank",
        cwd=chromium.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    tasks = []
    try:
        address = await asyncio.wait_for(_address(process), _SECONDS)
        tasks.append(asyncio.create_task(_drain(process)))
        async with ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as answer:
                target = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=64 << 20) as socket:
                page = Page(socket)
                tasks.append(asyncio.create_task(page.listen()))
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                await page.call("Page.navigate", url=url)
                await page.until(f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'")
                yield page
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _address(process):
    async for line in process.stderr:
        if found := re.search(rb"DevTools listening on ws://([^/]+)/", line):
            return found[1].decode()
    raise AssertionError("Chromium ended before it listened")


async def _drain(process):
    async for _ in process.stderr:
        pass
