"""The console's pages in a real browser, at the console whose address CONSOLE_URL holds.

tests/browser/main.rs starts that console and runs this. With SCREENSHOTS it writes those of docs/images.
"""

import json
import os
import re
import time
import unittest
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, sync_playwright

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

# What must be said for a webhook to be sent.
DEFAULTS: dict[str, dict[str, str]] = {
    "unlink": {"user": "7040"},
    "account-status": {"user": "7040", "event": "user-linked"},
    "talk-share": {"custom": "user_id=7040"},
    "talk-channel": {"user": "7040", "event": "added"},
    "skill": {"utterance": "hello"},
}
# The English sentences of a Korean page whose language is not named. Code has none, and a chat's words are its users'.
ENGLISH = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [text, parent] = [walker.currentNode.textContent, walker.currentNode.parentElement];
    const words = text.split(/\\s+/).filter((word) => /^[a-z']{2,}[.,:;]?$/.test(word));
    if (words.length < 4 || /[가-힣]/.test(text) || parent.closest("script, style, code, textarea, .talk")) continue;
    if (parent.closest("pre:not(.lines)") && !parent.closest(".fault")) continue;
    if (parent.closest("[lang]").lang !== "en") found.push(text);
  }
  return found;
}"""

# What tests/browser/rules.json answers to these words, and what must be seen of it.
COMPONENTS = {
    "text": "A simple text",
    "picture": "Of a simple image",
    "card": "A text card",
    "basic": "A basic card",
    "goods": "4,900",
    "list": "The second item",
    "items": "An item's value",
    "carousel": "The third card",
}

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


def until_logged(number: int) -> None:
    until(lambda: api("GET", f"/api/events/{number}")["lines"], f"the lines of request {number}")


def until_it_reached(place: str, number: int) -> None:
    steps = lambda: [step["place"] for step in api("GET", f"/api/events/{number}")["steps"]]
    until(lambda: place in steps(), f"{place} of request {number}")


def send(**body: Any) -> list[Any]:
    return list(api("POST", "/api/send", body)["sent"])


def path_of(user: str, status: str, events: int = 1) -> str | None:
    """The page of a user, once the state is there and so many events, each joined to its request."""
    for found in api("GET", f"/api/users?q={user}")["users"]:
        try:
            known = api("GET", f"/api/users/{found['app_id']}/{user}")
        except AssertionError:
            continue
        link = (known["state"] or {}).get("link") or {}
        joined = [line for line in known["history"] if line["request"]]
        if link.get("status") == status and len(joined) >= events:
            return f"/users/{found['app_id']}/{user}"
    return None


class InABrowser(unittest.TestCase):
    """Each test gets a browser that knows nothing yet. No page may complain, or call another host."""

    locale = "en-US"
    scheme = "light"
    size = (1280, 800)

    def setUp(self) -> None:
        self.context = self.opened()
        self.complaints: list[str] = []
        self.page = self.tab()
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

    def tab(self) -> Page:
        tab = self.context.new_page()
        tab.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", self.check_host)
        return tab

    def check_host(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != BASE:
            self.complaints.append(f"calls {request.url}")

    def tearDown(self) -> None:
        self.context.close()
        self.assertEqual(self.complaints, [])

    @contextmanager
    def before_the_stream(self, path: str) -> Iterator[None]:
        """What happens inside happens after the page was written, and before its stream of events opens."""
        waiting: list[Route] = []
        self.page.route("**/api/events*", lambda route: waiting.append(route))
        self.go(path)
        self.until_held(waiting, "the page's stream")
        yield
        waiting[0].continue_()
        self.page.unroute("**/api/events*")

    def until_held(self, held: list[Route], what: str) -> None:
        # The browser calls back only while its page is waited for.
        until(lambda: held or self.page.wait_for_timeout(20), what)

    def go(self, path: str) -> None:
        self.page.goto(BASE + path)
        self.page.wait_for_selector("#content")

    def pages(self) -> list[str]:
        """Every page of the menu, a request, a user."""
        found = self.page.eval_on_selector_all("nav a", "links => links.map(link => link.getAttribute('href'))")
        rows = [row for row in api("GET", "/api/events?limit=50")["events"]]
        requests = [f"/requests/{row['id']}" for row in rows[:3]]
        users = [f"/users/{user['app_id']}/{user['user_id']}" for user in api("GET", "/api/users")["users"] if user.get("user_id")]
        users = users[:1]
        return [*found, *requests, *users]


class TheTimeline(InABrowser):
    def test_a_request_appears_live_and_says_what_became_of_it(self) -> None:
        number = forged_unlink("7001")
        row = self.page.wait_for_selector(f'.row[data-id="{number}"]')
        text = row.inner_text()
        for word in ("Unlink", "7001", "refused", "401"):
            self.assertIn(word, text)

    def test_what_comes_before_the_stream_opens_appears(self) -> None:
        with self.before_the_stream("/?user=7005"):
            number = forged_unlink("7005")
            # Nothing more becomes known of it after that.
            until_logged(number)
        self.page.wait_for_selector(f'.row[data-id="{number}"]')

    def test_what_was_not_answered_is_asked_for_again(self) -> None:
        # What is asked when the stream opens is answered: what isn't is the question for the row.
        with self.page.expect_response("**/rows*user=7006*"):
            self.go("/?user=7006")
        self.page.route("**/rows*", lambda route: route.abort())
        first = forged_unlink("7006")
        self.page.wait_for_selector("#notice.bad")
        until_logged(first)
        # Long enough for the page to have asked for the last time of the first row alone.
        self.page.wait_for_timeout(1000)
        self.page.unroute("**/rows*")
        second = forged_unlink("7006")
        for number in (first, second):
            self.page.wait_for_selector(f'.row[data-id="{number}"]')
        # The browser says that it was not answered.
        self.complaints.clear()

    def test_what_is_cleared_does_not_come_back_with_a_late_answer(self) -> None:
        earlier = forged_unlink("7008")
        self.page.wait_for_selector(f'.row[data-id="{earlier}"]')
        until_logged(earlier)
        late: list[Route] = []
        self.page.route("**/rows*", lambda route: route.continue_() if late else late.append(route))
        forged_unlink("7008")
        self.until_held(late, "a question for the row")
        answer = late[0].fetch()
        api("DELETE", "/api/events")
        self.page.wait_for_selector("#empty")
        late[0].fulfill(response=answer)
        later = forged_unlink("7008")
        self.page.wait_for_selector(f'.row[data-id="{later}"]')
        until(lambda: self.page.locator(".row[data-id]").count() == 1, "what came after it alone")

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
        known = send(kind="unlink", user="7004")[0]["id"]
        self.page.wait_for_selector(f'.row[data-id="{known}"]')
        self.page.keyboard.press("p")
        # More becomes known of a request in the list: that is no new one.
        until_logged(known)
        number = forged_unlink("7003")
        until(lambda: "1" in self.page.inner_text("#pause"), "the number of new requests")
        self.assertEqual(self.page.locator(f'.row[data-id="{number}"]').count(), 0)
        self.page.keyboard.press("p")
        self.page.wait_for_selector(f'.row[data-id="{number}"]')
        self.go("/?outcome=taken&user=7003")
        self.page.wait_for_selector("#empty")
        self.go("/?outcome=refused&user=7003")
        self.page.wait_for_selector(f'.row[data-id="{number}"]')

    def test_a_pause_during_an_answer_loses_nothing(self) -> None:
        late: list[Route] = []
        rows = "**/rows*user=7009*"
        with self.before_the_stream("/?user=7009"):
            number = forged_unlink("7009")
            until_logged(number)
            self.page.route(rows, lambda route: late.append(route))
        self.until_held(late, "the question that follows the stream's opening")
        self.page.keyboard.press("p")
        with self.page.expect_response(rows):
            late[0].continue_()
        self.page.unroute(rows)
        self.page.evaluate("new Promise(requestAnimationFrame)")
        self.assertEqual(self.page.locator(".row[data-id]").count(), 0)
        self.page.keyboard.press("p")
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
        sent = api("POST", "/api/send", {"kind": "account-status", "event": "user-unlinked", "user": "7010", "forge": "signature"})
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


class AUser(InABrowser):
    def test_an_unlink_shows_what_it_changed(self) -> None:
        send(kind="account-status", event="user-linked", user="7020")
        unlinked = send(kind="unlink", user="7020")[0]["id"]
        path = until(lambda: path_of("7020", "unlinked", events=2), "the unlinked state")
        self.go(path)
        state = self.page.inner_text("section[aria-labelledby=state]").lower()
        self.assertIn("unlinked", state)
        lines = self.page.locator("section[aria-labelledby=history] .events > li")
        self.assertEqual(lines.count(), 2)
        last = lines.last.inner_text()
        self.assertIn("linked", last)
        self.assertEqual(lines.last.locator(f'a[href="/requests/{unlinked}"]').count(), 1)

    def test_the_history_in_another_order_changes_nothing(self) -> None:
        send(kind="account-status", event="user-linked", user="7021")
        for event in ("user-scope-consent", "user-scope-withdraw"):
            send(kind="account-status", event=event, user="7021", member={"scope": "account_email"})
        self.go(until(lambda: path_of("7021", "linked", events=3), "three events"))
        self.page.click('form[action$="/shuffle"] button')
        self.page.wait_for_selector("section.result")
        self.assertIn("good", self.page.get_attribute("section.result", "class") or "")

    def test_it_is_found_by_a_part_of_its_number(self) -> None:
        send(kind="account-status", event="user-linked", user="70229999")
        until(lambda: path_of("70229999", "linked"), "the state")
        self.go("/users?q=9999")
        self.page.click("tbody a >> text=70229999")
        self.page.wait_for_url("**/users/*/70229999")


class TheForms(InABrowser):
    def test_each_webhook_is_sent_as_kakao_does(self) -> None:
        for kind in ("unlink", "account-status", "talk-share", "talk-channel", "skill"):
            self.go(f"/send/{kind}")
            self.page.click("form.order button.main")
            self.page.wait_for_selector(".sent .row, .fault")
            with self.subTest(kind=kind):
                self.assertEqual(self.page.locator(".fault").count(), 0)
                status = self.page.locator(".sent .row .status").first.inner_text()
                self.assertIn(status, ("200", "202"))

    def test_each_of_the_event_types_is_offered_and_accepted(self) -> None:
        self.go("/send/account-status")
        types = self.page.eval_on_selector_all("#event-type option", "all => all.map(one => one.value)")
        self.assertGreaterEqual(len(types), 18)
        for event in types:
            self.go("/send/account-status")
            self.page.select_option("#event-type", event)
            self.page.click("form.order button.main")
            with self.subTest(event=event):
                self.assertEqual(self.page.locator(".sent .row .status").first.inner_text(), "202")

    def test_each_forgery_is_answered_as_its_label_says(self) -> None:
        read = "all => all.map(one => [one.value, one.textContent])"
        for kind in ("unlink", "account-status", "talk-share", "talk-channel", "skill"):
            self.go(f"/send/{kind}")
            labels = dict(self.page.eval_on_selector_all("select[name=forge] option", read))
            self.assertGreater(len(labels), 3)
            for forgery, label in labels.items():
                said = re.findall(r"\b(?:202|400|401|503)\b", label)
                if said:
                    status = send(kind=kind, forge=forgery, **DEFAULTS[kind])[0]["status"]
                    with self.subTest(kind=kind, forgery=forgery):
                        self.assertIn(str(status), said)

    def test_it_is_repeated(self) -> None:
        self.go("/send/unlink")
        self.page.fill("input[name=times]", "3")
        self.page.click("form.order button.main")
        self.page.wait_for_selector(".sent .row")
        self.assertEqual(self.page.locator(".sent .row").count(), 3)


class TheChatbot(InABrowser):
    def say(self, words: str) -> None:
        self.page.fill("form.say input[name=utterance]", words)
        self.page.click("form.say button.main")
        self.page.wait_for_selector(f'#chat >> text="{words}"')

    def test_each_component_of_an_answer_is_drawn(self) -> None:
        self.go("/chatbot")
        for words, seen in COMPONENTS.items():
            self.say(words)
            with self.subTest(words=words):
                self.assertIn(seen, self.page.inner_text("#chat"))

    def test_a_message_that_comes_before_the_stream_opens_appears(self) -> None:
        with self.before_the_stream("/chatbot"):
            until_it_reached("recorded", send(kind="skill", utterance="early words")[0]["id"])
        self.page.wait_for_selector('#chat >> text="early words"')

    def test_a_quick_reply_is_a_button_that_works(self) -> None:
        self.go("/chatbot")
        self.say("buttons")
        self.page.click('#chat button:has-text("to the card")')
        until(lambda: "A text card" in self.page.inner_text("#chat"), "the answer to the button")

    def test_what_is_hostile_in_an_answer_is_shown_as_text(self) -> None:
        self.go("/chatbot")
        self.say("hostile")
        self.assertIn("<script>", self.page.inner_text("#chat"))
        self.assertEqual(self.page.locator("#chat script").count(), 0)
        self.assertEqual(self.page.locator("#chat img[onerror]").count(), 0)


class TheFaults(InABrowser):
    def tearDown(self) -> None:
        api("DELETE", "/api/faults/queue-down")
        super().tearDown()

    def test_while_the_queue_is_down_events_wait_in_the_inbox_and_none_is_lost(self) -> None:
        self.go("/faults")
        begin = self.page.locator("section[aria-labelledby=queue-down] form").first
        begin.locator('[name="seconds"]').fill("600")
        begin.locator("button").click()
        self.page.wait_for_selector("section.fault-card.on[aria-labelledby=queue-down]")
        sent = send(kind="account-status", event="user-linked", user="7030")[0]
        self.assertEqual(sent["status"], 202)
        until(lambda: api("GET", "/api/backlogs")["backlogs"]["inbox"], "the event in the inbox")
        self.go("/backlogs")
        self.assertEqual(self.page.locator("section[aria-labelledby=inbox] tbody tr").count(), 1)
        # A phone shows the row's button without scrolling sideways.
        self.page.set_viewport_size({"width": 360, "height": 800})
        for button in self.page.locator("section.backlog button").all():
            box = button.bounding_box()
            self.assertTrue(box and box["x"] + box["width"] <= 360, box)
        self.go(f"/requests/{sent['id']}")
        until(lambda: "Stored in the inbox" in self.page.inner_text("section[aria-labelledby=way]"), "the way by the inbox")
        # Opened while the queue is down: once it is up, the janitor may empty the inbox at any moment.
        waiting = self.tab()
        waiting.goto(BASE + "/backlogs")
        self.go("/faults")
        self.page.locator("section[aria-labelledby=queue-down] form").nth(1).locator("button").click()
        self.page.wait_for_selector("section.fault-card.on", state="detached")
        waiting.locator("section[aria-labelledby=inbox] button").last.click()
        waiting.wait_for_selector(".done")
        until(lambda: path_of("7030", "linked"), "the state of the event that waited")

    def test_what_becomes_known_before_the_stream_opens_is_shown(self) -> None:
        path, let_through = self.held_in_the_inbox("7031")
        with self.before_the_stream(path):
            let_through()
        self.page.wait_for_selector(self.APPLIED)

    def test_what_becomes_known_during_an_answer_is_shown(self) -> None:
        path, let_through = self.held_in_the_inbox("7032")
        late: list[Route] = []
        with self.before_the_stream(path):
            self.page.route(f"**{path}", lambda route: route.continue_() if late else late.append(route))
        self.until_held(late, "the question that follows the stream's opening")
        earlier = late[0].fetch()
        let_through()
        # Long enough for the page to want to ask again.
        self.page.wait_for_timeout(500)
        late[0].fulfill(response=earlier)
        self.page.wait_for_selector(self.APPLIED)

    APPLIED = 'section[aria-labelledby=way] >> text="Applied to the user\'s state"'

    def held_in_the_inbox(self, user: str) -> tuple[str, Callable[[], None]]:
        """The page of a request that the queue refused, and what lets it through: nothing more becomes known after that."""
        api("PUT", "/api/faults/queue-down", {"seconds": 600})
        sent = send(kind="account-status", event="user-linked", user=user)[0]
        self.assertEqual(sent["status"], 202)
        number = sent["id"]
        until_logged(number)

        def let_through() -> None:
            api("DELETE", "/api/faults/queue-down")
            # Nothing is left to do where the janitor was faster.
            status, _ = call("POST", "/api/backlogs/inbox/replay", b"", {"Authorization": f"Bearer {TOKEN}"})
            self.assertIn(status, (200, 404))
            until_it_reached("published", number)

        return f"/requests/{number}", let_through


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
            status, _ = call("POST", "/api/send", {"kind": "unlink", "user": "1"}, headers)
            self.assertIn(status, (400, 401, 403, 421), headers)


class InKorean(InABrowser):
    locale = "ko-KR"

    def test_the_browsers_language_decides(self) -> None:
        self.assertEqual(self.page.get_attribute("html", "lang"), "ko")

    def test_english_sentences_name_their_language(self) -> None:
        send(kind="account-status", event="user-linked", user="7050", forge="signature")
        send(kind="skill", utterance="card")
        for path in self.pages():
            self.go(path)
            with self.subTest(path=path):
                self.assertEqual(self.page.evaluate(ENGLISH), [])


@unittest.skipUnless(os.environ.get("SCREENSHOTS"), "SCREENSHOTS=1 writes those of docs/images")
class Screenshots(InABrowser):
    """A member's life, and what Kakao did not send. The names of the files are those of the docs."""

    size = (1280, 800)
    folder = Path(__file__).resolve().parents[2] / "docs/images"

    def shot(self, name: str, path: str) -> None:
        for language, suffix in (("en", ""), ("ko", ".ko")):
            self.page.goto(f"{BASE}/language/{language}?to=/")
            self.go(path)
            self.page.wait_for_selector("h1", state="attached")
            self.page.screenshot(path=self.folder / f"{name}{suffix}.png")

    def test_the_pictures(self) -> None:
        api("DELETE", "/api/events")
        self.folder.mkdir(exist_ok=True)
        member = "1234567890"
        send(kind="account-status", event="user-linked", user=member)
        send(kind="account-status", event="user-scope-consent", user=member, member={"scope": "account_email profile_nickname"})
        send(kind="talk-channel", event="added", user=member)
        send(kind="talk-share", custom=f"user_id={member}")
        send(kind="skill", utterance="carousel")
        forged = send(kind="account-status", event="user-unlinked", user=member, forge="signature")[0]["id"]
        send(kind="unlink", user=member)
        send(kind="unlink", user=member, forge="wrong-key")
        user = until(lambda: path_of(member, "unlinked"), "the unlinked state")
        self.shot("console-timeline", "/")
        self.shot("console-refused", f"/requests/{forged}")
        self.shot("console-user", user)
        self.go("/chatbot")
        for words in ("card", "list", "buttons"):
            self.page.fill("form.say input[name=utterance]", words)
            self.page.click("form.say button.main")
            self.page.wait_for_selector(f'#chat >> text="{words}"')
        self.shot("console-chatbot", "/chatbot")


if __name__ == "__main__":
    unittest.main(verbosity=2)
