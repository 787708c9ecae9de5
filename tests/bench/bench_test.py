#!/usr/bin/env python3
"""The tables and plots of bench/, on results made up here: no engine runs and nothing is timed."""
import pathlib
import sys
import unittest
import xml.dom.minidom

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import bars
import decode
import kernels
import peers
import plot
import report


def row(block="sdpa_s128", size=128, threads=1, heed=2.0, family="sdpa", flops=None, peak=None, setup=0.1, **others):
    engines = {"heed": {"ms": heed, "error_of_bound": 0.25, "setup_s": setup}}
    engines |= {n: {"ms": t} if isinstance(t, float) else {"error": t} for n, t in others.items()}
    return {"block": block, "family": family, "size": size, "threads": threads, "flops": flops, "peak": peak, "engines": engines}


class Report(unittest.TestCase):
    def test_ratio_is_of_the_fastest_peer_and_not_of_heed_unfused(self):
        r = row(unfused=1.0, ort=3.0, ov=5.0)
        self.assertEqual(report.best_peer(r), ("ort", 3.0))
        self.assertAlmostEqual(report.ratio(r), 1.5)
        self.assertAlmostEqual(report.ratio_unfused(r), 0.5)

    def test_no_peer_no_ratio(self):
        self.assertIsNone(report.ratio(row(ort="not a model of mine")))
        self.assertIn("fails", report.line(row(ort="not a model of mine"), ["heed", "ort"]))

    def test_geometric_mean_leaves_out_what_is_missing(self):
        self.assertAlmostEqual(report.geometric_mean([2.0, None, 8.0]), 4.0)
        self.assertIsNone(report.geometric_mean([None]))

    def test_summary_names_the_rows_that_lose_and_the_engines_that_fail(self):
        text = report.summary([row(ort=4.0, unfused=1.9), row("slow", ort=1.0), row("equal", ort=1.97, ov="line\nwhy")])
        self.assertIn("slower than the best peer: 1\n  0.50x, not 0.98x: slow at 1 threads", text)
        self.assertIn("slower than unfused Heed: 1\n  0.95x, not 0.98x: sdpa_s128", text)
        self.assertIn("ov fails on equal: why", text)

    def test_shares_of_the_peak(self):
        r = row(ort=2.5, ov=5.0, flops=160e6, peak=100e9)  # 2 ms of Heed's are 80 %, 2.5 ms of the peer's 64 %
        self.assertAlmostEqual(report.share_of_peak(r, 2.0), 0.8)
        self.assertIn(" 80 (64) ", report.line(r, ["heed"]))
        self.assertIsNone(report.share_of_peak(row(), 2.0))
        self.assertIn("  -  ", report.line(row(ort=2.5), ["heed"]))

    def test_a_weak_peer_has_to_be_beaten(self):
        self.assertEqual(report.bar(row(ort=2.1, flops=160e6, peak=100e9)), 0.98)  # 76 % of the peak
        self.assertEqual(report.bar(row(ort=2.15, flops=160e6, peak=100e9)), 1.1)  # 74 %
        self.assertEqual(report.bar(row(ort=2.15)), 0.98)  # nobody knows
        text = report.summary([row(ort=2.15, flops=160e6, peak=100e9)])
        self.assertIn("below its bar against the best peer: 1\n  1.07x, not 1.10x: sdpa_s128", text)

    def test_a_layer_near_the_peak_need_not_beat_anyone(self):
        for family in ("mha", "enc"):
            self.assertEqual(report.bar(row(family=family, ort=2.0, flops=182e6, peak=100e9)), 0.98)  # 91 %
            self.assertEqual(report.bar(row(family=family, ort=2.0, flops=178e6, peak=100e9)), 1.05)  # 89 %
            self.assertEqual(report.bar(row(family=family, ort=2.0)), 1.05)
        # Heed's share, not the peer's.
        self.assertEqual(report.bar(row(family="mha", heed=4.0, ort=2.0, flops=182e6, peak=100e9)), 1.05)

    def test_compilation_has_a_bar(self):
        rows = [row("slow", setup=0.61), row("quick", setup=0.49), row("deep", setup=2.9, family="encoder"),
                row("too_deep", setup=3.1, family="encoder"), row("network", setup=9.0, family="models")]
        self.assertIn("compiled for longer than its bar: 2\n  3.10 s, not 3.0 s: too_deep at 1 threads\n"
                      "  0.61 s, not 0.5 s: slow at 1 threads", report.summary(rows))

    def test_a_peak_that_is_missing_is_said(self):
        self.assertIn("the FMA peak was not measured", report.summary([row(flops=1e6)]))
        self.assertNotIn("the FMA peak was not measured", report.summary([row(), row(flops=1e6, peak=1e9)]))

    def test_absent_engines_are_left_out(self):
        peers.NEEDS["nonsense"] = (["no_such_module_of_heed"], ["no-such-package"])
        self.assertEqual(peers.present(["heed", "nonsense"]), ["heed"])

    def test_a_round_is_the_best_and_the_median_of_its_calls(self):
        best, median = peers.round_of(lambda: None, 0.001)
        self.assertLessEqual(best, median)


class Decode(unittest.TestCase):
    def test_a_step_is_the_median_of_those_around_it(self):
        times = [float(k) for k in range(2, 102)]  # step k took k ms
        times[48] = 900.0
        self.assertAlmostEqual(decode.at_step(times, 50), 50.5, delta=1)

    def test_rounds_are_joined_step_by_step(self):
        slow = [4.0] * 60
        result = decode.summarize([[2.0] * 60, slow, [3.0] * 60])
        self.assertAlmostEqual(result["tokens_per_s"], 1000 / 3)
        self.assertEqual(list(result["step_ms"]), [10, 50])


class Plot(unittest.TestCase):
    def test_chart_is_xml_with_a_panel_a_family_and_a_dot_a_row(self):
        rows = [row(size=s, threads=t, ort=3.0) for s in (16, 128, 2048) for t in (1, 2)]
        svg = plot.ratios(rows, {"sdpa": "sequence length", "se": "elements of X"}, "CPU <of tests>")
        document = xml.dom.minidom.parseString(svg)
        self.assertEqual(len(document.getElementsByTagName("circle")), 6)
        self.assertEqual(len(document.getElementsByTagName("polyline")), 2)
        self.assertEqual(len(document.getElementsByTagName("g")), 1)
        self.assertIn("2 threads", svg)

    def test_nothing_to_show(self):
        xml.dom.minidom.parseString(plot.ratios([row()], {"sdpa": "sequence length"}, ""))

    def test_scale_is_logarithmic(self):
        scale = plot.Scale(1, 16, 0, 100)
        self.assertAlmostEqual(scale(4), 50)
        self.assertEqual(scale.ticks(plot.POWERS, 8), [1, 2, 4, 8, 16])
        self.assertEqual(scale.ticks(plot.POWERS, 3), [1, 4, 16])

    def test_labels(self):
        self.assertEqual([plot.short(v) for v in (128, 2048, 50000, 2e6)], ["128", "2048", "50k", "2M"])


class Kernels(unittest.TestCase):
    RESULTS = [
        {"name": "sdpa/b1/h8/s512/d64/t1/manual_time", "gflops": 100.0 + k, "percent": 80.0, "best_us": 10.0, "median_us": 11.0}
        for k in (0, 5, 1)
    ] + [
        {"name": "sdpa_causal/h8/s512/d64/t1/manual_time", "gflops": 90.0, "percent": 70.0, "best_us": 6.0, "median_us": 7.0},
        {"name": "se_in_place/n1/c64/s7/t1/manual_time", "error_occurred": True, "error_message": "no"},
        {"name": "sdpa/b1/h8/s512/d64/t1/manual_time", "run_type": "aggregate", "gflops": 0.0},
    ]

    def test_medians_and_what_a_row_is_compared_with(self):
        rows = kernels.medians(self.RESULTS)
        self.assertEqual(rows["sdpa/b1/h8/s512/d64/t1"]["gflops"], 101.0)
        text = "\n".join(kernels.table(rows))
        self.assertRegex(text, r"sdpa_causal/h8/s512/d64/t1 .* 0\.60")
        self.assertIn("fails: no", text)

    def test_bars(self):
        rows = kernels.medians(self.RESULTS)
        self.assertEqual(list(kernels.missed(rows)), ["  80.0 % of the limit, not 82 %: sdpa/b1/h8/s512/d64/t1"])
        self.assertEqual(bars.of_kernel("sdpa_decode/h32/kv8192/d128"), (85, None))
        self.assertEqual(bars.of_kernel("sdpa_decode/h16/kv256/d64"), (None, None))
        self.assertEqual(bars.of_kernel("sdpa_window64/h8/s2048/d64"), (None, 0.14))
        for family in ("se", "eca", "se_nhwc", "eca_nchw16c"):
            self.assertEqual(bars.of_kernel(f"{family}/n1/c64/s112"), (90, None))
            self.assertEqual(bars.of_kernel(f"{family}_in_place/n1/c64/s112"), (None, 0.8))
            self.assertEqual(bars.of_kernel(f"{family}_in_place/n8/c256/s56"), (None, 0.625))
        self.assertEqual(bars.of_kernel("se/n1/c2048/s7"), (None, None))
        self.assertEqual(kernels.compared_with("se_nchw8c_in_place/n8/c256/s56/t1"), "se_nchw8c/n8/c256/s56/t1")
        self.assertEqual(bars.of_block({"block": "se_inner_8x256x56", "family": "se_inner", "size": 1}), 1.6)

    def test_panels(self):
        (full, _, groups), _ = kernels.panels(kernels.medians(self.RESULTS))
        self.assertEqual(full, "sdpa, D = 64")
        self.assertEqual(groups[1][0][:2], (512, 0.8))

    def test_names_of_what_is_compared(self):
        self.assertEqual(kernels.compared_with("sdpa_window64/h8/s512/d64/t2"), "sdpa/b1/h8/s512/d64/t2")
        self.assertEqual(kernels.compared_with("eca_in_place/n1/c64/s7/t1"), "eca/n1/c64/s7/t1")
        self.assertIsNone(kernels.compared_with("cbam/n1/c64/s7/t1"))


unittest.main()
