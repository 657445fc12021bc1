"""The word cloud: what it counts, and that nothing overlaps."""

import base64
import json
import random
import unittest
from xml.etree import ElementTree

import toons
import wordcloud


def outcome_of(text, **members):
    body = {"jobId": "j", "toonId": "t", "type": "wordcloud", "text": text, **members}
    event = {"Records": [{"messageId": "m1", "body": json.dumps(body)}]}
    answer = wordcloud.handler(event, None)
    assert answer["batchItemFailures"] == [], answer
    return answer["outcomes"][0]


def overlap(a, b):
    """Of two boxes without their gap."""
    return (a.left < b.left + b.width and b.left < a.left + a.width
            and a.top < b.top + b.height and b.top < a.top + a.height)


class Counting(unittest.TestCase):
    def test_words_are_counted_without_stop_words(self):
        result = outcome_of("The anvil fell. The ANVIL fell again; the rocket didn’t.")["result"]
        self.assertEqual(result["words"], 10)
        self.assertEqual(result["top"][:2], [{"word": "anvil", "count": 2}, {"word": "fell", "count": 2}])
        self.assertEqual(result["sentences"], 2)
        self.assertEqual(result["language"], "en")
        self.assertNotIn("the", [row["word"] for row in result["top"]])

    def test_spanish_is_recognised_and_marks_stay(self):
        result = outcome_of("El ratón quiere dominar el mundo, y la máquina de los ratones no funciona.")["result"]
        self.assertEqual(result["language"], "es")
        self.assertIn("máquina", [row["word"] for row in result["top"]])

    def test_composed_and_decomposed_letters_are_one_word(self):
        result = outcome_of("ratón rato\u0301n")["result"]
        self.assertEqual(result["top"], [{"word": "ratón", "count": 2}])

    def test_mood_has_a_sign(self):
        self.assertGreater(outcome_of("What a wonderful and happy day")["result"]["mood"], 0)
        self.assertLess(outcome_of("A terrible disaster, everything broken")["result"]["mood"], 0)

    def test_richness_falls_with_repetition(self):
        self.assertEqual(outcome_of("one two three four")["result"]["richness"], 1.0)
        self.assertEqual(outcome_of("rocket rocket rocket rocket")["result"]["richness"], 0.25)


class Refusals(unittest.TestCase):
    def test_a_text_without_words_is_refused_for_good(self):
        for text in ("", "   ", "12345 !!"):
            error = outcome_of(text)["error"]
            self.assertEqual((error["code"], error["retryable"]), ("no-words", False))

    def test_bytes_that_are_not_text_are_refused(self):
        body = {"toonId": "t", "type": "wordcloud", "data": base64.b64encode(b"\xff\xfe\x00").decode()}
        event = {"Records": [{"messageId": "m", "body": json.dumps(body)}]}
        self.assertEqual(wordcloud.handler(event, None)["outcomes"][0]["error"]["code"], "not-text")

    def test_a_wrong_parameter_is_refused(self):
        for wanted in (0, 201, "ten", True, None):
            error = outcome_of("anvil", operations=[{"op": "cloud", "maxWords": wanted}])["error"]
            self.assertEqual(error["code"], "invalid-operation")

    def test_one_bad_record_spoils_no_other(self):
        bodies = [{"text": "anvil"}, {"text": ""}, {"text": "rocket"}]
        event = {"Records": [{"messageId": str(i), "body": json.dumps(body)} for i, body in enumerate(bodies)]}
        outcomes = wordcloud.handler(event, None)["outcomes"]
        self.assertEqual([("error" in outcome) for outcome in outcomes], [False, True, False])
        self.assertEqual([outcome["messageId"] for outcome in outcomes], ["0", "1", "2"])


class Layout(unittest.TestCase):
    def boxes_are_apart(self, boxes):
        for i, box in enumerate(boxes):
            self.assertGreaterEqual(box.left, 0)
            self.assertGreaterEqual(box.top, 0)
            self.assertLessEqual(box.left + box.width, wordcloud.WIDTH)
            self.assertLessEqual(box.top + box.height, wordcloud.HEIGHT)
            for other in boxes[:i]:
                self.assertFalse(overlap(box, other), (box, other))

    def test_no_two_words_overlap_and_all_are_inside(self):
        source = random.Random(7)
        for words in (1, 2, 20, 60, 200):
            ranked = [("".join(source.choices("abcdefghimwñ", k=source.randint(2, 18))), words - i) for i in range(words)]
            boxes = wordcloud.lay_out(ranked)
            self.assertGreaterEqual(len(boxes), words * 0.9, f"{len(boxes)} of {words} words found a place")
            self.boxes_are_apart(boxes)

    def test_the_most_frequent_word_is_the_largest(self):
        boxes = wordcloud.lay_out([("anvil", 9), ("rocket", 3), ("spring", 1)])
        self.assertEqual([box.word for box in boxes], ["anvil", "rocket", "spring"])
        self.assertGreater(boxes[0].size, boxes[1].size)
        self.assertGreater(boxes[1].size, boxes[2].size)

    def test_a_long_word_fits_the_width(self):
        boxes = wordcloud.lay_out([("w" * 40, 1)])
        self.assertEqual(len(boxes), 1)
        self.boxes_are_apart(boxes)

    def test_the_picture_is_well_formed_and_the_same_each_time(self):
        first = outcome_of("Anvils & rockets <b>fly</b> over the canyon")["artifacts"][0]
        again = outcome_of("Anvils & rockets <b>fly</b> over the canyon")["artifacts"][0]
        self.assertEqual(first, again)
        self.assertEqual((first["name"], first["contentType"]), ("cloud.svg", "image/svg+xml"))
        root = ElementTree.fromstring(base64.b64decode(first["data"]))
        texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("anvils", texts)

    def test_max_words_limits_what_is_drawn(self):
        outcome = outcome_of("one anvil rocket spring canyon", operations=[{"op": "cloud", "maxWords": 2}])
        self.assertEqual(outcome["result"]["drawn"], 2)


class Reading(unittest.TestCase):
    def test_all_forms_become_bytes(self):
        self.assertEqual(toons.read({"text": "ñ"}).data, "ñ".encode())
        self.assertEqual(toons.read({"data": "AAE="}).data, b"\x00\x01")
        self.assertEqual(json.loads(toons.read({"json": {"a": [1]}}).data), {"a": [1]})


if __name__ == "__main__":
    unittest.main()
