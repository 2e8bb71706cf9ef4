"""Whether .ci/built sees what would deploy and not start.

    .local/lint/bin/python -m unittest discover -s infra/lint
"""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTIONS = ["UnlinkFunction", "SkillFunction"]
TEMPLATE = "Resources:\n" + "".join(f"  {name}:\n    Type: AWS::Serverless::Function\n" for name in FUNCTIONS)


def elf(machine: int, rest: bytes) -> bytes:
    return b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little") + rest


class Built(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / ".ci").mkdir()
        shutil.copy(ROOT / ".ci/built", self.root / ".ci/built")
        (self.root / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
        for name in FUNCTIONS:
            self.build(name, elf(183, name.encode()))

    def build(self, function: str, program: bytes, mode: int = 0o755) -> None:
        path = self.root / ".aws-sam/build" / function / "bootstrap"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(program)
        path.chmod(mode)

    def complaint(self, *arguments: str, status: int = 1) -> str:
        command = [sys.executable, str(self.root / ".ci/built"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def test_a_whole_build_is_right(self) -> None:
        self.assertEqual(self.complaint(status=0), "")
        self.assertEqual(self.complaint("arm64", status=0), "")

    def test_a_program_for_the_other_processor_is_named_with_the_mend(self) -> None:
        self.build("SkillFunction", elf(62, b"skill"))
        complaint = self.complaint()
        self.assertIn("SkillFunction/bootstrap: it is for x86_64. Give sam build the Architecture", complaint)
        self.assertNotIn("UnlinkFunction", complaint)
        self.assertIn("UnlinkFunction/bootstrap: it is for arm64", self.complaint("x86_64"))

    def test_a_missing_program_is_named(self) -> None:
        (self.root / ".aws-sam/build/SkillFunction/bootstrap").unlink()
        self.assertIn("SkillFunction/bootstrap: there is none. Run sam build", self.complaint())

    def test_one_program_in_the_place_of_two_is_seen(self) -> None:
        self.build("SkillFunction", elf(183, b"UnlinkFunction"))
        self.assertIn("SkillFunction/bootstrap: it is the program of UnlinkFunction", self.complaint())

    def test_what_is_no_program_or_can_not_be_run_is_named(self) -> None:
        self.build("SkillFunction", b"#!/bin/sh\n")
        self.build("UnlinkFunction", elf(183, b"UnlinkFunction"), mode=0o644)
        complaint = self.complaint()
        self.assertIn("SkillFunction/bootstrap: it is no 64-bit Linux program", complaint)
        self.assertIn("UnlinkFunction/bootstrap: it isn't executable", complaint)

    def test_what_is_left_of_an_older_template_is_named(self) -> None:
        self.build("OldFunction", elf(183, b"old"))
        self.assertIn("OldFunction/bootstrap: the template has no such function", self.complaint())

    def test_an_unknown_processor_is_a_wrong_command_line(self) -> None:
        self.assertIn("sparc is no architecture", self.complaint("sparc", status=2))


if __name__ == "__main__":
    unittest.main()
