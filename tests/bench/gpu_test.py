#!/usr/bin/env python3
"""The parts of bench/gpu that need no device: elements, files, chips, verdicts, and what becomes of a worker that fails."""
import math
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from gpu import attentions, gates, measure, models, numbers, peers, program, rows, suite, table, worker


class Numbers(unittest.TestCase):
    def test_elements_are_of_both_signs_and_near_one(self):
        for element in ("f32", "bf16", "f16"):
            data = numbers.draw(element, 1000, 3)
            self.assertEqual(len(data), 1000 * numbers.BYTES[element])
            values = numbers.floats(element, data, 0, 1000)
            self.assertTrue(all(0.125 <= abs(value) < 2 for value in values))
            self.assertTrue(300 < sum(value < 0 for value in values) < 700)
            self.assertEqual(list(values[7:9]), list(numbers.floats(element, data, 7, 2)))

    def test_the_same_numbers_in_f32(self):
        for count in (5, numbers.PERIOD + 5):
            element, data = numbers.widened("bf16", count, 4)
            self.assertEqual((element, len(data)), ("f32", 4 * count))
            self.assertEqual(list(numbers.floats("f32", data, count - 5, 5)),
                             list(numbers.floats("bf16", numbers.draw("bf16", count, 4), count - 5, 5)))
        self.assertEqual(numbers.widened("i1", 5, 4), ("i1", numbers.draw("i1", 5, 4)))

    def test_long_tensors_repeat(self):
        data = numbers.draw("f16", numbers.PERIOD + 5, 1)
        self.assertEqual(data[:10], data[-10:])
        self.assertNotEqual(data[:10], numbers.draw("f16", 5, 2))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.npy")
            for element, shape in (("bf16", [3, 5]), ("i1", [7]), ("i64", [2]), ("f32", [])):
                data = numbers.draw(element, math.prod(shape), 1)
                numbers.write_npy(path, element, shape, data)
                self.assertEqual(path.read_bytes().index(b"\n") % 64, 63)
                self.assertEqual(numbers.read_npy(path), (element, tuple(shape), data))
            path.write_bytes(b"text")
            with self.assertRaisesRegex(ValueError, "expected a .npy file"):
                numbers.read_npy(path)


class Chips(unittest.TestCase):
    def test_images_run_on(self):
        runs = [(chip, form, capability) for chip in ("sm_80", "sm_90", "sm_90a") for form in ("ptx", "cubin")
                for capability in (80, 86, 90, 100) if program.runs_on(chip, form, capability)]
        self.assertEqual(runs, [("sm_80", "ptx", 80), ("sm_80", "ptx", 86), ("sm_80", "ptx", 90), ("sm_80", "ptx", 100),
                                ("sm_80", "cubin", 80), ("sm_80", "cubin", 86), ("sm_90", "ptx", 90), ("sm_90", "ptx", 100),
                                ("sm_90", "cubin", 90), ("sm_90a", "ptx", 90), ("sm_90a", "cubin", 90)])

    def test_the_newest_of_each_kind(self):
        self.assertEqual(list(table.newest(["sm_90", "sm_80", "sm_90a"])), ["sm_90", "sm_90a"])
        self.assertEqual(list(table.newest(["sm_100"])), ["sm_100"])

    def test_only_attention_asks_for_an_a(self):
        chips = ["sm_80", "sm_90", "sm_90a"]
        self.assertEqual(suite.chips_of("gate", chips), ["sm_80", "sm_90"])
        self.assertEqual(suite.chips_of("gate", ["sm_90a"]), ["sm_90a"])
        self.assertEqual(suite.chips_of("sdpa", chips), chips)


class Cases(unittest.TestCase):
    def test_flop(self):
        model = attentions.Attention(2, 3, 512, 512, 64)
        self.assertEqual(model.flop, 4 * 6 * 512 * 512 * 64)
        self.assertEqual(attentions.Attention(2, 3, 512, 512, 64, attributes=models.CAUSAL).flop, model.flop / 2)

    def test_rotations_have_tables_of_half_a_row(self):
        row = rows.Row("rope", 24, 128)
        self.assertEqual(list(row.inputs())[:2], [("x", "bf16", [8, 3, 128]), ("a", "bf16", [3, 64])])

    def test_images_in_both_orders(self):
        self.assertEqual(gates.Gate("se", 2, 64, 7).shape, [2, 64, 7, 7])
        self.assertEqual(gates.Gate("se", 2, 64, 7, nhwc=True).shape, [2, 7, 7, 64])

    def test_attention_by_its_definition(self):
        """One key: o is v."""
        case = {"element": "f32", "length": 1, "size": 4, "batch": 1, "heads": 1, "causal": False}
        data = [numbers.draw("f32", 4, seed) for seed in range(3)]
        self.assertEqual(measure.check_rows(case, data, data[2]), 0)
        self.assertGreater(measure.check_rows(case, data, data[1]), 1e5)
        self.assertEqual(measure.check_rows(case, data, b"\xff" * 16), math.inf)


class Verdicts(unittest.TestCase):
    def test_bounds(self):
        one, other = [1, 2], [1, 2.5]
        self.assertEqual(models.compare(one, one, 1e-3, 1e-3), (0, 0))
        error, share = models.compare(other, one, 0.1, 0.2)
        self.assertAlmostEqual(error, 0.5)
        self.assertAlmostEqual(share, 1)
        self.assertEqual(models.compare([1, math.nan], one, 0.1, 0.1), (math.inf, math.inf))

    def test_targets(self):
        def row(schedule, length, tflops):
            return {"engine": "heed", "family": "sdpa", "name": f"s{length}", "size": 128, "length": length, "causal": False,
                    "schedule": schedule, "tflops": tflops}

        text = table.summary({"checks": [{"share_of_bound": 0.5}, {"share_of_bound": 2}],
                              "rows": [row("wgmma", 4096, 490), row("wgmma", 8192, 510), row("wgmma", 512, 1)]})
        self.assertIn("checks: 1 of 2 within", text)
        self.assertIn("wgmma, D 128, S >= 4096, full: 490 to 510 TFLOP/s; 1 of 2 reach 500 TFLOP/s; least: s4096", text)
        self.assertIn("mma.sync, D 128, S >= 4096, full: not measured; target 280 TFLOP/s", text)

    def test_slow_peers_have_few_cases(self):
        case = {"family": "sdpa", "length": 512}
        self.assertTrue(peers.wanted("cudnn", case))
        self.assertFalse(peers.wanted("flex", case))
        self.assertFalse(peers.wanted("cudnn", {"family": "gate"}))


SERVER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from gpu import worker
def do(job):
    if job == "hang": time.sleep(60)
    if job == "die": os._exit(3)
    if job == "fail": raise RuntimeError("why")
    print("a library's own words")
    return {"pid": os.getpid(), "job": job}
worker.serve(do)
"""


class Workers(unittest.TestCase):
    def test_one_process_until_a_job_fails(self):
        work = worker.Worker([sys.executable, "-c", SERVER, str(ROOT / "bench")])
        first, second = work.ask(1, 30), work.ask(2, 30)
        self.assertEqual((first["pid"], second["job"]), (second["pid"], 2))
        for job, limit, why in (("fail", 30, "why"), ("hang", 1, "stopped after 1 s"), ("die", 30, "words|ended with 3")):
            with self.assertRaisesRegex(worker.Failed, why):
                work.ask(job, limit)
            self.assertNotEqual(work.ask(1, 30)["pid"], first["pid"])
        work.end()


unittest.main()
