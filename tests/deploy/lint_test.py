"""cfn-lint and checkov over the templates: clean, or excused one by one with a reason in the template."""
import json
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
import python_tools  # noqa: E402
import templates  # noqa: E402

# TemplateURL is a path here; `aws cloudformation package` makes a URL of it.
LOCAL_PATHS = "W3002"
SECONDS = 300


class Lint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = python_tools.environment("deploy", HERE / "requirements.txt")

    def run_tool(self, name, *arguments):  # in deploy/
        return subprocess.run(
            [self.programs / name, *arguments], cwd=templates.FOLDER.parent, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def test_cfn_lint_has_nothing_to_say(self):
        done = self.run_tool("cfn-lint", "--ignore-checks", LOCAL_PATHS, "--", *(f"cloudformation/{name}" for name in templates.names()), "pipeline/pipeline.yaml")
        self.assertEqual((done.returncode, done.stdout.strip()), (0, ""), done.stderr)

    def test_cfn_lint_sees_a_misspelt_property(self):
        text = (templates.FOLDER / "modules" / "queue.yaml").read_text().replace("KmsMasterKeyId", "KmsMasterKey", 1)
        done = subprocess.run([self.programs / "cfn-lint", "-"], input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertNotEqual(done.returncode, 0)

    def test_checkov_finds_nothing_that_is_not_excused(self):
        done = self.run_tool("checkov", "--skip-download", "--framework", "cloudformation", "--directory", ".", "--output", "json", "--quiet")
        report = json.loads(done.stdout[done.stdout.index("{"):])
        summary = report["summary"]
        self.assertGreater(report["summary"].get("resource_count", 0), 80)
        failed = [f"{c['check_id']} {c['file_path']} {c['resource']}: {c['check_name']}" for c in report["results"]["failed_checks"]]
        self.assertEqual(failed, [])
        self.assertEqual((summary["failed"], summary["parsing_errors"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
