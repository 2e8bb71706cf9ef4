"""The pages about deployment name only what the template has, and links on every page lead somewhere.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import re
import unittest
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("deploy.md", "deploy.ko.md")}
NEWCOMERS = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("adopt.md", "adopt.ko.md", "recipes.md", "recipes.ko.md")}
ALARMS = {name.removesuffix("Alarm") for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
# What looks like a parameter or an output and is a word of AWS's.
OTHERS = {"Retain", "Table", "Issued", "CachingDisabled", "AllViewerExceptHostHeader", "EventQueue", "Domain", "Authorization"}
OTHERS |= {"DeliveryQueue", "UndeliveredQueue", "AnswerQueue", "DescribeStacks", "DescribeChangeSet", "SetStackPolicy", "UpdateTerminationProtection"}


class Words(unittest.TestCase):
    def test_whatever_is_named_like_a_parameter_or_an_output_is_one(self) -> None:
        known = {*TEMPLATE["Parameters"], *TEMPLATE["Outputs"], *ALARMS, *OTHERS}
        for page, text in (PAGES | NEWCOMERS).items():
            named = set(re.findall(r"`((?:[A-Z][a-z0-9]+)+)`", text)) | set(re.findall(r"\b([A-Z]\w+)='?\w*'?`", text))
            self.assertLessEqual(named, known | set(TEMPLATE["Parameters"]["Deployment"]["AllowedValues"]), page)

    def test_every_url_for_kakao_is_told(self) -> None:
        urls = {name for name in TEMPLATE["Outputs"] if name.endswith("Url") and "Queue" not in name} - {"BaseUrl"}
        for page, text in PAGES.items():
            self.assertEqual(set(re.findall(r"^\| `(\w+Url)` \|", text, re.M)) - {"KakaoJwksUrl"}, urls, page)

    def test_a_newcomer_is_shown_commands_of_khook_that_exist(self) -> None:
        table = (ROOT / "docs/khook.md").read_text(encoding="utf-8").split("\n## ")[0]
        known = {word for cell in re.findall(r"^\| (`.+?) \|", table, re.M) for word in re.findall(r"`(\w[\w-]*)", cell)}
        for page, text in NEWCOMERS.items():
            shown = set(re.findall(r"(?:^|`|: |\()khook ([a-z][\w-]*)", text, re.M))
            self.assertTrue(shown, page)
            self.assertLessEqual(shown, known, page)

    def test_both_languages_show_the_same_commands(self) -> None:
        for name in ("deploy", "adopt", "recipes"):
            english, korean = (self.commands(ROOT / "docs" / page) for page in (f"{name}.md", f"{name}.ko.md"))
            self.assertTrue(english, name)
            self.assertEqual(english, korean, name)

    def commands(self, page: Path) -> list[str]:
        """Its blocks of code, without comments and what the reader fills in."""
        blocks = re.findall(r"^```\w+\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
        return [re.sub(r"<[^>]+>", "<>", re.sub(r" *(#|-- ).*", "", block)) for block in blocks]


class Costs(unittest.TestCase):
    SETUP, MEASURED = (ROOT / "docs/cost.md").read_text(encoding="utf-8").split("<!-- measured", 1)

    def test_the_setup_of_adopt_costs_the_sum_of_what_is_measured(self) -> None:
        parts = [
            self.total(heading)
            for heading in ("What a month costs without a webhook", "What delivery costs", "What the reconciler costs")
        ]
        shown = re.findall(r"\| \**\$([0-9.]+)\** \|$", self.SETUP, re.M)
        self.assertEqual(shown, [*parts, f"{sum(map(float, parts)):.2f}"])
        self.assertIn(f"[${shown[-1]}]", self.SETUP)

    def test_an_unlink_in_the_setup_of_adopt_costs_all_that_it_switches_on(self) -> None:
        heading = "What a million unlinks cost with delivery and the reconciler"
        [(unlinks, delivery)] = re.findall(r"each million of unlinks \$([0-9.]+), of which \$([0-9.]+) are for their delivery", self.SETUP)
        self.assertEqual(unlinks, self.total(heading))
        parts = re.findall(r"^\| `DeliveryUrl`: .* \$([0-9.]+) \|$", self.section(heading), re.M)
        self.assertEqual((len(parts), delivery), (2, f"{sum(map(float, parts)):.2f}"))

    def test_the_page_on_speed_has_the_costs_of_this_page(self) -> None:
        [unlink] = re.findall(r"^\| unlink \|.* \$([0-9.]+) \|$", self.section("What a million cost"), re.M)
        [row] = re.findall(r"^\| unlinks, a month, without delivery and idle cost \| (.+) \|$", Speed.PAGE, re.M)
        shown = [float(amount.replace(",", "")) for amount in re.findall(r"\$([0-9.,]+)", row)]
        rates = [1 / 60, 1, 100, 1_000]
        self.assertEqual(len(shown), len(rates))
        for amount, rate in zip(shown, rates, strict=True):
            expected = rate * 730 * 3_600 * float(unlink) / 1e6
            self.assertLess(abs(amount - expected), 0.02 * expected, f"{rate} a second: ${expected:.2f}")

    def section(self, heading: str) -> str:
        return self.MEASURED.split(f"### {heading}\n")[1].split("\n### ")[0]

    def total(self, heading: str) -> str:
        [total] = re.findall(r"^\| \*\*(?:a month, )?in all\*\* \| \$([0-9.]+) \|$", self.section(heading), re.M)
        return str(total)


class Speed(unittest.TestCase):
    PAGE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")

    def test_the_model_from_a_webhook_to_the_service_adds_up(self) -> None:
        table = self.PAGE.split("| step | p50 | p99 | from |\n")[1].split("\n\n")[0]
        steps: list[tuple[int, int]] = []
        sums = 0
        for step, median, worst in re.findall(r"^\| (.+?) \| \**(\d+)\** \| \**(\d+)\** \|", table, re.M):
            if not step.startswith("*"):
                steps.append((int(median), int(worst)))
                continue
            sums += 1
            middle = sum(one for one, _ in steps)
            spread = sum((last - one) ** 2 for one, last in steps) ** 0.5
            self.assertEqual((int(median), int(worst)), (middle, round(middle + spread)), step)
        self.assertEqual((len(steps), sums), (8, 2))


class Korean(unittest.TestCase):
    # What each is called, which is Kakao's word where Kakao has one.
    OTHER_WORDS = {
        "연결을 끊": "연결 해제",
        "연결이 끊": "연결 해제",
        "계정 정지": "카카오계정 비활성화",
        "이용 제한": "카카오계정 비활성화",
        "대사가": "회원 대조",
        "데드 레터": "DLQ",
        "브레이크": "안전장치",
        "규칙 하나를": "버전 규칙",
    }

    def test_each_thing_has_one_name(self) -> None:
        for page in [ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.ko.md"))]:
            text = page.read_text(encoding="utf-8")
            for other, word in self.OTHER_WORDS.items():
                self.assertNotIn(other, text, f"{page.name}: {word}")


class Permissions(unittest.TestCase):
    def test_the_page_about_security_says_of_every_function_what_it_may_do(self) -> None:
        section = (ROOT / "SECURITY.md").read_text(encoding="utf-8").split("\n## What each function may do\n")[1].split("\n## ")[0]
        rows = {first.split(" (")[0] for first in re.findall(r"^\| ([^|]+) \|", section, re.M)} - {"function", "---"}
        functions = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")} - {"runtime"}
        acknowledging = {"unlink", "account-status", "talk-share", "talk-channel", "skill"}
        self.assertEqual(rows, functions - acknowledging | {"the five acknowledging functions"})


class Counts(unittest.TestCase):
    WORDS = "six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|[0-9]+"
    KOREAN = "여섯|일곱|여덟|아홉|열|열한|열두|열세|[0-9]+"

    def test_no_text_counts_the_functions_of_the_stack(self) -> None:
        # Those that answer Kakao are five for good. What an account runs at once is not the stack's.
        patterns = [rf"(?i)\b(?:{self.WORDS}) functions\b(?! at once)", rf"함수 (?:{self.KOREAN}) ?개"]
        pages = [page for page in Links.PAGES if page.name != "CHANGELOG.md"]
        for page in [*pages, ROOT / "samconfig.toml", ROOT / "template.yaml"]:
            text = " ".join(page.read_text(encoding="utf-8").split())
            for pattern in patterns:
                found = [one for one in re.findall(pattern, text) if one != "함수 5개"]
                self.assertEqual(found, [], page)


class Links(unittest.TestCase):
    """Of every page of the repository."""

    PAGES = sorted({page for pattern in ("*.md", "docs/**/*.md", "infra/**/*.md", "shared/*.md", "tests/**/*.md") for page in ROOT.glob(pattern)})
    PAGES = [page for page in PAGES if "node_modules" not in page.parts]
    FENCE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
    LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)]+))?\)")

    def prose(self, page: Path) -> str:
        return self.FENCE.sub("", page.read_text(encoding="utf-8"))

    def anchors(self, page: Path) -> set[str]:
        headings = re.findall(r"^#+ (.+)$", self.prose(page), re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def test_every_file_and_section_that_a_page_points_to_exists(self) -> None:
        self.assertGreater(len(self.PAGES), 20)
        for page in self.PAGES:
            for target, anchor in self.LINK.findall(self.prose(page)):
                path = page.parent / target if target else page
                self.assertTrue(path.exists(), f"{page.relative_to(ROOT)}: {target}")
                if anchor and path.suffix == ".md":
                    self.assertIn(anchor, self.anchors(path), f"{page.relative_to(ROOT)}: {target}")


if __name__ == "__main__":
    unittest.main()
