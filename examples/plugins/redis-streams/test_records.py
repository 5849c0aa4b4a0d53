"""Compares the codec with pushcore's vectors: python -m unittest."""

import json
import os
import pathlib
import unittest

from records import Malformed, decode, encode

# In pushcore's repository, or a copy beside a plugin that was copied out of it.
FILE = os.environ.get("PUSHCORE_RECORDS") or pathlib.Path(__file__).parents[3] / "sdk/pluginrpc/testdata/records.txt"


def vectors():
    for block in pathlib.Path(FILE).read_text().split("\n\n")[1:]:
        yield dict(line.split(": ", 1) for line in block.strip().split("\n"))


def from_json(value):
    if isinstance(value, dict):
        return {name: from_json(v) for name, v in value.items()}
    if isinstance(value, list):
        return [from_json(v) for v in value]
    return bytes.fromhex(value[4:]) if isinstance(value, str) and value.startswith("hex:") else value


def plain(value):
    """Leaves out what is 0, empty or false, as the vectors do."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items() if name != "size" and (v or isinstance(v, dict))}
    return [plain(v) for v in value] if isinstance(value, list) else value


class Vectors(unittest.TestCase):
    good = [{**v, "value": from_json(json.loads(v["json"]))} for v in vectors() if "json" in v]
    bad = [v for v in vectors() if "error" in v]

    def test_there_are_vectors(self):
        self.assertGreater(len(self.good), 60)
        self.assertGreater(len(self.bad), 5)

    def test_encode(self):
        for v in self.good:
            with self.subTest(v["name"]):
                self.assertEqual(encode(v["value"]).hex(), v["hex"])

    def test_decode(self):
        for v in self.good:
            with self.subTest(v["name"]):
                records, rest = decode(bytes.fromhex(v["hex"]))
                self.assertEqual(rest, b"")
                self.assertEqual(plain(records), [v["value"]])

    def test_refuse(self):
        for v in self.bad:
            with self.subTest(v["name"]), self.assertRaises(Malformed):
                decode(bytes.fromhex(v["hex"]))

    def test_records_are_found_wherever_the_bytes_are_cut(self):
        data = b"".join(bytes.fromhex(v["hex"]) for v in self.good)
        for size in (1, 7, 24, 100, len(data)):
            found, rest = [], b""
            for at in range(0, len(data), size):
                records, rest = decode(rest + data[at : at + size])
                found += records
            self.assertEqual(plain(found), [v["value"] for v in self.good])


if __name__ == "__main__":
    unittest.main()
