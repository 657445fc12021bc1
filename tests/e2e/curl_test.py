"""The document's three calls and the refusals with plain curl (tests/curl), against a local server."""
import os
import subprocess
import unittest

from harness import ROOT, ServerTest

SECONDS = 180


class Curl(ServerTest):
    def calls(self, server, token):
        environment = {
            **os.environ,
            "UBERTOONS_URL": server.url + "/prod",
            "UBERTOONS_TOKEN": token,
            "UBERTOONS_OTHER_TOKEN": server.token("somebody-else"),
        }
        return subprocess.run([ROOT / "tests" / "curl" / "calls.sh"], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)

    def test_the_three_calls_and_the_refusals(self):
        server = self.serve(workers=1)
        done = self.calls(server, server.token())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(done.stdout.count("\nok "), 18)

    def test_a_caller_who_may_not_submit_fails_the_script(self):
        server = self.serve(workers=1)
        done = self.calls(server, server.token("looker", "viewer"))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("FAIL  submit-job is accepted", done.stdout)


if __name__ == "__main__":
    unittest.main()
