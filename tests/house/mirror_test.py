#!/usr/bin/env python3
# mirror_test.py - the tree is what CONTRIBUTING says: one pass, one file, one flag, one test.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["bench", "cmake", "dialect", "docs", "passes", "runtime", "tests", "tools"]
SOURCES = {".cpp", ".h", ".td"}
TEXTS = SOURCES | {".mlir", ".test", ".py", ".txt", ".cmake", ".json", ".md", ".proto", ".in"}
MAX_LINES = {".cpp": 500, ".mlir": 400}
LICENSE = "\n// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"

PASS = re.compile(r'^def (\w+) : Pass<"([^"]+)".*?^\}$', re.MULTILINE | re.DOTALL)
LITERAL = r'"((?:[^"\\]|\\.)*)"'
# How a recogniser or a fusion refuses; what follows is the beginning of the reason.
REFUSAL = re.compile(
    r"(?:Refusal\{|Missed(?: \w+ = )?\{|refuse\(|remark::reason\(|reason = |return )"
    r"\s*((?:" + LITERAL + r"\s*)+)"
)
# An initializer that ends after the reason: no suggestion.
UNPAIRED = re.compile(r"(?:Refusal|Missed(?: \w+ =)?)\s*\{\s*(?:" + LITERAL + r"\s*)+\}")
MACHINE_PATH = re.compile(r"(?<![\w.$}*])/(?:work|home|root|Users|mnt|private)/\w")


def short(path):
    return path.relative_to(ROOT)


def files(suffixes):
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path, path.read_text()


def kebab(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def check_passes():
    seen = 0
    for table in sorted((ROOT / "passes").rglob("Passes.td")):
        folder = table.parent
        for definition in PASS.finditer(table.read_text()):
            name, flag = definition.groups()
            seen += 1
            if flag != "heed-" + kebab(name):
                yield f"{short(table)}: {name}: expected the flag heed-{kebab(name)}, got {flag}"
            if "```mlir" not in definition[0]:
                yield f"{short(table)}: {name}: its description shows no ```mlir block"
            sources = list(folder.rglob(name + ".cpp"))
            if len(sources) != 1:
                yield f"{short(folder)}: {name}: expected one {name}.cpp, got {len(sources)}"
            elif (count := sources[0].read_text().count("void runOnOperation()")) != 1:
                yield f"{short(sources[0])}: expected one pass, got {count}"
            test = ROOT / "tests" / short(folder) / (kebab(name) + ".mlir")
            if not test.exists():
                yield f"{short(test)}: missing, the test of {name}"
            elif not re.search(rf"RUN:.*--{flag}\b", test.read_text()):
                yield f"{short(test)}: does not run --{flag}"
    if not seen:
        yield "passes: no pass found"


def check_reasons():
    """Each reason for not fusing is provoked by a -missed test."""
    for stage in ("recognize", "fuse"):
        tests = (ROOT / "tests/passes" / stage).glob("*-missed*.mlir")
        remarks = "\n".join(re.findall("expected-remark.*", "\n".join(t.read_text() for t in tests)))
        for path in sorted((ROOT / "passes" / stage).glob("*.cpp")):
            for refusal in REFUSAL.finditer(path.read_text()):
                reason = "".join(re.findall(LITERAL, refusal[1]))
                if " " in reason and reason not in remarks:  # words, not a name
                    yield f"{short(path)}: no -missed test expects '{reason}'"


def check_suggestions():
    """A reason says what was expected and what is there, and comes with what to change in the source model."""
    for path in sorted((ROOT / "passes").rglob("*.cpp")):
        text = path.read_text()
        # Statements, so that a reason and its suggestion are seen together.
        for statement in re.split(r";\n", text):
            if "remark::reason(" in statement and "remark::suggest(" not in statement:
                yield f"{short(path)}: a remark::reason without a remark::suggest"
        if path.parent.name not in ("recognize", "fuse"):
            continue
        for unpaired in UNPAIRED.finditer(text):
            yield f"{short(path)}: '{unpaired[1]}' has no suggestion"
        for refusal in REFUSAL.finditer(text):
            reason = "".join(re.findall(LITERAL, refusal[1]))
            if " " in reason and "{0}" not in reason and not reason.startswith("expected "):
                yield f"{short(path)}: expected a reason 'expected …, got …', got '{reason}'"


def check_files():
    for path, text in files(SOURCES):
        if not text.startswith(f"// {path.name} - "):
            yield f"{short(path)}: expected '// {path.name} - ' and its purpose in the first line"
        if LICENSE not in text[:400]:
            yield f"{short(path)}: expected a line of its own for the licence, near the top"
    for path, text in files(set(MAX_LINES)):
        if (lines := text.count("\n")) > MAX_LINES[path.suffix]:
            yield f"{short(path)}: expected at most {MAX_LINES[path.suffix]} lines, got {lines}"
    for path, text in files(TEXTS):
        if found := MACHINE_PATH.search(text):
            yield f"{short(path)}: names a path of one machine: {found[0]}…"


problems = [*check_passes(), *check_reasons(), *check_suggestions(), *check_files()]
print("\n".join(problems) or "the house is in order")
sys.exit(1 if problems else 0)
