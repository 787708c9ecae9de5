"""Times a case's kernels on the device, and compares some numbers of the result."""
import math
import random

from . import numbers
from .program import Program

EPSILON = {"bf16": 2.0**-8, "f16": 2.0**-11, "f32": 2.0**-23}
MOST_SETS, MOST_CALLS = 64, 512


class Timer:
    """Calls in a graph, so that no host is waited for, between events."""

    def __init__(self, driver, runs, seconds):
        self.driver, self.runs, self.budget = driver, runs, seconds

    def __call__(self, starts):
        """Seconds of a call, of each run; the calls of a run take turns through `starts`."""
        driver = self.driver
        starts[0]()
        once = max(driver.seconds(starts[0]), 1e-7)
        turns = max(1, min(MOST_CALLS, round(self.budget / self.runs / once)) // len(starts))

        def body():
            for _ in range(turns):
                for start in starts:
                    start()

        calls = turns * len(starts)
        graph = driver.capture(body)
        # The clocks settle first.
        spent = 0.0
        while spent <= self.budget / 2:
            spent += max(driver.seconds(lambda: driver.replay(graph)), 1e-4)
        times = [driver.seconds(lambda: driver.replay(graph)) / calls for _ in range(self.runs)]
        driver.forget(graph)
        return times


def median(times):
    return sorted(times)[len(times) // 2]


class Measure:
    """Measures one case after the other."""

    def __init__(self, driver, runs, seconds):
        self.driver, self.info, self.timer = driver, driver.info(), Timer(driver, runs, seconds)

    def case(self, case, folder):
        program = Program(self.driver, folder)
        memory = program.allocate()
        try:
            data = [numbers.draw(element, math.prod(shape), seed) for seed, (_, element, shape) in enumerate(case["inputs"])]
            for number, values in zip(program.inputs, data):
                self.driver.write(memory[number], values)
            start = program.bind(memory)
            start()
            self.driver.wait()
            result = self.driver.read(memory[program.outputs[0]], program.buffers[program.outputs[0]]["bytes"])
            error = check_rows(case, data, result) if case["family"] == "sdpa" else check_samples(case, result)
            row = {"engine": "heed", "chip": program.index["chip"], "schedule": program.schedule(), "error_ulp": error,
                   "launches": [launch["kernel"] for launch in program.launches]}
            row |= self.products(case, start) if case["family"] == "sdpa" else self.bandwidth(program, memory, start)
        finally:
            for pointer in memory:
                self.driver.free(pointer)
            program.unload()
        return row

    def products(self, case, start):
        return rate(case, self.timer([start]), self.info["peak_tflops"])

    def bandwidth(self, program, memory, start):
        """Beside a copy of as many bytes on the device: once with buffers that take turns, so many that none is still in L2, and
        once with the same ones."""
        moved = sum(program.buffers[n]["bytes"] for n in {*program.inputs, *program.outputs})
        half = max(1, moved // 2)
        sets = max(1, min(MOST_SETS, math.ceil(4 * self.info["l2_bytes"] / moved)))
        memories = [memory] + [program.allocate() for _ in range(sets - 1)]
        copies = [[self.driver.allocate(half) for _ in range(2)] for _ in range(sets)]
        try:
            for other in memories[1:]:
                for n in program.inputs:
                    self.driver.copy(other[n], memory[n], program.buffers[n]["bytes"])
            starts = [start] + [program.bind(other) for other in memories[1:]]
            copy = [lambda to=to, source=source: self.driver.copy(to, source, half) for to, source in copies]
            row = {"bytes": moved, "sets": sets}
            for key, kernels, beside in (("", starts, copy), ("cached_", starts[:1], copy[:1])):
                times, copied = self.timer(kernels), self.timer(beside)
                row |= {f"{key}min_us": min(times) * 1e6, f"{key}median_us": median(times) * 1e6,
                        f"{key}gb_s": moved / median(times) / 1e9, f"{key}copy_gb_s": 2 * half / median(copied) / 1e9,
                        f"{key}percent_of_copy": 100 * median(copied) / median(times)}
            return row
        finally:
            for pointer in [p for other in memories[1:] for p in other] + [p for pair in copies for p in pair]:
                self.driver.free(pointer)


def rate(case, times, peak):
    tflops = case["flop"] / median(times) / 1e12
    return {"min_us": min(times) * 1e6, "median_us": median(times) * 1e6, "tflops": tflops,
            "percent_of_peak": 100 * tflops / peak if peak else None}


def check_rows(case, data, result, rows=2, columns=8):
    """Attention by its definition in doubles: the largest error of some elements of a few rows, in units of the last place of 1."""
    q, k, v = data
    generator, worst = random.Random(5), 0.0
    element, length, size = case["element"], case["length"], case["size"]
    for _ in range(rows):
        head = generator.randrange(case["batch"] * case["heads"])
        row = generator.randrange(length)
        keys = row + 1 if case["causal"] else length
        start = head * length * size
        query = numbers.floats(element, q, start + row * size, size)
        key, value = (numbers.floats(element, operand, start, keys * size) for operand in (k, v))
        scores = [sum(map(float.__mul__, query, key[j * size:(j + 1) * size])) / math.sqrt(size) for j in range(keys)]
        top = max(scores)
        weights = [math.exp(score - top) for score in scores]
        total = sum(weights)
        got = numbers.floats(element, result, start + row * size, size)
        for e in generator.sample(range(size), min(columns, size)):
            want = sum(map(float.__mul__, weights, value[e::size])) / total
            worst = largest(worst, abs(want - got[e]) / EPSILON[element])
    return worst


def check_samples(case, result):
    """The largest error, in units of the last place of the largest number."""
    values = case["samples"]["values"]
    unit = EPSILON[case["element"]] * max(map(abs, values))
    worst = 0.0
    for place, want in zip(case["samples"]["places"], values):
        worst = largest(worst, abs(numbers.floats(case["element"], result, place, 1)[0] - want) / unit)
    return worst


def largest(a, b):
    """Infinite where one is no number."""
    return math.inf if math.isnan(b) else max(a, b)
