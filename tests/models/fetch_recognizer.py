#!/usr/bin/env python3
"""Fetches trained networks of PP-OCRv4 from the PyPI wheel that ships them: the demo's recogniser, a test's classifier.

usage: fetch_recognizer.py FILE    writes ppocrv4_rec.onnx or ppocrv4_cls.onnx, by FILE's name, if it is not there
(needs python3 with pip); the sha256 is checked.
"""
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "rapidocr-onnxruntime==1.4.4"
MEMBERS = {
    "ppocrv4_rec.onnx": (
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    ),
    "ppocrv4_cls.onnx": (
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
}


def main():
    path = sys.argv[1]
    member, sha256 = MEMBERS[os.path.basename(path)]
    if os.path.exists(path):
        return
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "-d", folder, PACKAGE], check=True)
        wheel = next(f for f in os.listdir(folder) if f.endswith(".whl"))
        with zipfile.ZipFile(os.path.join(folder, wheel)) as archive:
            data = archive.read(member)
    if hashlib.sha256(data).hexdigest() != sha256:
        sys.exit(f"{path}: the wheel's file has another sha256 than expected")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".part", "wb") as f:
        f.write(data)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
