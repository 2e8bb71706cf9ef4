"""The console's pages in a real browser, at the console whose address CONSOLE_URL holds.

tests/browser/main.rs starts that console and runs this. With SCREENSHOTS it writes those of docs/images.
"""

import json
import os
import sys
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

URL = os.environ["CONSOLE_URL"]
BASE = URL.split("/?")[0]
TOKEN = URL.split("token=")[1]
CHROMIUM = os.environ["CHROMIUM"]
# A machine under load takes long to draw; nothing here measures it.
WITHIN_MS = 30_000
# In a container there is neither a sandbox nor much shared memory. The browser makes no calls of its own.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]  # fmt: skip
HOSTILE = '<script>document.title="broken"</script><img src=x onerror=alert(1)>'

playwright: Playwright
browser: Browser


def setUpModule() -> None:
    global playwright, browser
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


def tearDownModule() -> None:
    browser.close()
    playwright.stop()


def call(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """A request as another program sends it: curl, Kakao's stand-in, a tool with the token."""
    request = urllib.request.Request(BASE + path, method=method, headers=headers or {})
    if body is not None:
        request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def api(method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    status, answer = call(method, path, body, headers)
    assert status < 400, (status, answer)
    return json.loads(answer) if answer else None


def until(is_so: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WITHIN_MS / 1000
    while not (found := is_so()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what}")
        time.sleep(0.05)
    return found


def forged_unlink(user: str) -> int:
    """Sends one with a wrong admin key. Returns its id in the console."""
    form = f"app_id=1&user_id={user}&referrer_type=UNLINK_FROM_APPS".encode()
    headers = {"Authorization": "KakaoAK " + "0" * 32, "Content-Type": "application/x-www-form-urlencoded"}
    status, _ = call("POST", "/webhooks/unlink", form, headers)
    assert status == 401, status
    return newest(f"user={user}")["id"]


def newest(query: str) -> Any:
    return until(lambda: api("GET", f"/api/events?limit=1&{query}")["events"], f"a request with {query}")[0]


class InABrowser(unittest.TestCase):
    """Each test gets a browser that knows nothing yet. No page may complain, or call another host."""

    locale = "en-US"
    scheme = "light"
    size = (1280, 800)

    def setUp(self) -> None:
        self.context = self.opened()
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self.check_host)
        self.page.goto(URL)
        self.page.wait_for_selector(".live.on")

    def opened(self) -> BrowserContext:
        width, height = self.size
        context = browser.new_context(
            locale=self.locale, color_scheme=self.scheme, viewport={"width": width, "height": height},
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        context.set_default_timeout(WITHIN_MS)
        return context

    def check_host(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != BASE:
            self.complaints.append(f"calls {request.url}")

    def tearDown(self) -> None:
        self.context.close()
        self.assertEqual(self.complaints, [])

    def go(self, path: str) -> None:
        self.page.goto(BASE + path)
        self.page.wait_for_selector("#content")

    def pages(self) -> list[str]:
        """Every page of the menu, a request, a user."""
        found = self.page.eval_on_selector_all("nav a", "links => links.map(link => link.getAttribute('href'))")
        rows = [row for row in api("GET", "/api/events?limit=50")["events"]]
        requests = [f"/requests/{row['id']}" for row in rows[:3]]
        users = [f"/users/{user['app_id']}/{user['user_id']}" for user in api("GET", "/api/users")["users"][:1]]
        return [*found, *requests, *users]


class TheTimeline(InABrowser):
    def test_a_request_appears_live_and_says_what_became_of_it(self) -> None:
        number = forged_unlink("7001")
        row = self.page.wait_for_selector(f'.row[data-id="{number}"]')
        text = row.inner_text()
        for word in ("Unlink", "7001", "refused", "401"):
            self.assertIn(word, text)

    def test_the_keyboard_moves_opens_and_sends_again(self) -> None:
        first, second = forged_unlink("7002"), forged_unlink("7002")
        self.go("/?user=7002")
        self.page.wait_for_selector(f'.row[data-id="{second}"]')
        focused = lambda: self.page.evaluate("document.activeElement.getAttribute('href')")
        self.page.keyboard.press("j")
        self.assertEqual(focused(), f"/requests/{second}")
        self.page.keyboard.press("j")
        self.assertEqual(focused(), f"/requests/{first}")
        self.page.keyboard.press("k")
        self.assertEqual(focused(), f"/requests/{second}")
        self.page.keyboard.press("r")
        until(lambda: len(api("GET", "/api/events?user=7002")["events"]) == 3, "the third request")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#request")

    def test_it_can_be_paused_and_filtered(self) -> None:
        self.page.keyboard.press("p")
        number = forged_unlink("7003")
        until(lambda: "1" in self.page.inner_text("#pause"), "the number of new requests")
        self.assertEqual(self.page.locator(f'.row[data-id="{number}"]').count(), 0)
        self.page.keyboard.press("p")
        self.page.wait_for_selector(f'.row[data-id="{number}"]')
        self.go("/?outcome=taken&user=7003")
        self.page.wait_for_selector("#empty")
        self.go("/?outcome=refused&user=7003")
        self.page.wait_for_selector(f'.row[data-id="{number}"]')

    def test_what_is_hostile_is_shown_as_text(self) -> None:
        form = urllib.request.quote(HOSTILE)
        call("POST", f"/webhooks/unlink?user_id={form}&app_id={form}", b"", {"Authorization": f"KakaoAK {HOSTILE}"})
        number = newest("kind=unlink")["id"]
        self.go(f"/requests/{number}")
        self.assertIn("script", self.page.inner_text("#content"))
        self.assertEqual(self.page.locator("#content script, #content img").count(), 0)
        self.assertNotEqual(self.page.title(), "broken")


class ARequest(InABrowser):
    def test_a_forged_token_says_which_check_failed_and_why(self) -> None:
        sent = api("POST", "/api/send", {"webhook": "account-status", "event": "user-unlinked", "user": "7010", "forge": "signature"})
        self.go(f"/requests/{sent['sent'][0]['id']}")
        self.assertIn("Signature", self.page.inner_text(".fault"))
        self.assertIn("another key made it", self.page.inner_text(".fault"))
        self.assertEqual(self.page.locator(".checks .failed").count(), 1)

    def test_it_is_copied_without_a_key(self) -> None:
        self.go(f"/requests/{forged_unlink('7011')}")
        self.page.click('[data-copy="curl"]')
        self.page.wait_for_selector("#notice.shown")
        copied = self.page.evaluate("navigator.clipboard.readText()")
        self.assertIn("curl", copied)
        self.assertNotIn("0" * 32, copied)

    def test_it_is_sent_changed(self) -> None:
        self.go(f"/requests/{forged_unlink('7012')}")
        body = self.page.locator('#send [name="body"]')
        body.fill(body.input_value().replace("7012", "7013"))
        self.page.click('#send button[type="submit"]')
        until(lambda: api("GET", "/api/events?user=7013")["events"], "the changed request")


class Everyone(InABrowser):
    """What holds for every page."""

    def test_no_page_is_wider_than_the_window(self) -> None:
        pages = self.pages()
        for width in (360, 768, 2560):
            self.page.set_viewport_size({"width": width, "height": 800})
            for path in pages:
                self.go(path)
                with self.subTest(path=path, width=width):
                    self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), width)

    def test_axe_finds_nothing_serious(self) -> None:
        pages = self.pages()
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for path in pages:
                self.go(path)
                found = Axe().run(self.page).response["violations"]
                serious = [(one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
                           for one in found if one["impact"] in ("serious", "critical")]  # fmt: skip
                with self.subTest(path=path, scheme=scheme):
                    self.assertEqual(serious, [])

    def test_every_page_has_one_heading_and_a_title(self) -> None:
        for path in self.pages():
            self.go(path)
            with self.subTest(path=path):
                self.assertEqual(self.page.locator("h1").count(), 1)
                self.assertNotIn("{", self.page.title())

    def test_the_language_is_switched_and_stays(self) -> None:
        self.page.click(".language")
        until(lambda: self.page.get_attribute("html", "lang") == "ko", "Korean")
        for path in self.pages():
            self.go(path)
            self.assertEqual(self.page.get_attribute("html", "lang"), "ko")

    def test_another_page_may_not_use_it(self) -> None:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example", "Authorization": f"Bearer {TOKEN}"}):
            status, _ = call("POST", "/api/send", {"webhook": "unlink", "user": "1"}, headers)
            self.assertIn(status, (400, 401, 403, 421), headers)


class InKorean(InABrowser):
    locale = "ko-KR"

    def test_the_browsers_language_decides(self) -> None:
        self.assertEqual(self.page.get_attribute("html", "lang"), "ko")


if __name__ == "__main__":
    unittest.main(verbosity=2)
