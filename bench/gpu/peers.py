"""Attention as PyTorch and Triton have it, where they are installed: the same cases, in the same units."""
import importlib.util
import inspect
import os
import time

from .measure import rate

ENGINES = ("cudnn", "flash", "efficient", "triton tutorial", "flex")
# Compiled anew for each length, some by tuning: for these lengths only.
SLOW, SLOW_LENGTHS = ("triton tutorial", "flex"), (4096, 16384)
TUTORIAL = "HEED_TRITON_TUTORIAL"  # the path of a copy of Triton's 06-fused-attention.py


def wanted(engine, case):
    return case["family"] == "sdpa" and (engine not in SLOW or case["length"] in SLOW_LENGTHS)


class Peers:
    def __init__(self, runs, seconds, tutorial):
        import torch
        if not torch.cuda.is_available():
            raise RuntimeError("PyTorch sees no GPU")
        self.torch, self.runs, self.budget, self.kept = torch, runs, seconds, {}
        path = tutorial or os.environ.get(TUTORIAL)
        self.tutorial, self.why = None, f"no copy of Triton's 06-fused-attention.py: --triton-tutorial or {TUTORIAL} names one"
        if path:
            try:
                spec = importlib.util.spec_from_file_location("triton_tutorial", path)
                self.tutorial = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(self.tutorial)
            except Exception as error:  # whatever a user's file does
                self.tutorial, self.why = None, f"{path}: {error}"

    def versions(self):
        found = {"torch": self.torch.__version__}
        try:
            import triton
            found["triton"] = triton.__version__
        except ImportError:
            pass
        return found

    def call(self, engine, case):
        """A function that computes the case once."""
        torch = self.torch
        shape = [case["batch"], case["heads"], case["length"], case["size"]]
        # Triton's tutorial rounds p to f16, whatever v is.
        kind = torch.float16 if engine == "triton tutorial" else torch.bfloat16
        q, k, v = (torch.randn(shape, device="cuda", dtype=kind) for _ in range(3))
        if engine == "triton tutorial":
            if not self.tutorial:
                raise RuntimeError(self.why)
            known = len(inspect.signature(self.tutorial._attention.forward).parameters) - 1  # but for ctx
            more = (True,) * (known - 5)  # warp specialisation, or tensor maps
            return lambda: self.tutorial.attention(q, k, v, case["causal"], case["size"]**-0.5, *more)
        if engine == "flex":
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
            compiled = torch.compile(flex_attention, dynamic=False)
            mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, *shape[2:3] * 2) if case["causal"] else None
            return lambda: compiled(q, k, v, block_mask=mask)
        from torch.nn.attention import SDPBackend, sdpa_kernel
        backend = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION,
                   "efficient": SDPBackend.EFFICIENT_ATTENTION}[engine]

        def run():
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=case["causal"])

        return run

    def case(self, engine, case):
        torch = self.torch
        with torch.no_grad():
            run = self.call(engine, case)
            run()
            torch.cuda.synchronize()
            begin = time.perf_counter()
            run()
            torch.cuda.synchronize()
            once = max(time.perf_counter() - begin, 1e-5)
            calls = max(1, min(100, round(self.budget / self.runs / once)))
            for _ in range(max(1, round(self.budget / 2 / once))):
                run()
            times = []
            for _ in range(self.runs):
                events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
                events[0].record()
                for _ in range(calls):
                    run()
                events[1].record()
                torch.cuda.synchronize()
                times.append(events[0].elapsed_time(events[1]) / 1e3 / calls)
        named = {"engine": engine, "element": "f16"} if engine == "triton tutorial" else {"engine": f"torch {engine}"}
        return {**named, **rate(case, times, None)}
