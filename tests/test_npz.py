"""NPZ files: whatever is wrong with one, whoever reads it says so in one line."""

import io
import re
import struct
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ganas.errors import DataError, RunError
from ganas.report import pictures
from ganas.tasks.files import read_arrays
from ganas.weights import load_weights

COMPRESSED = 99
ENCRYPTED = 1


def damaged(path: Path, flags: int = 0, method: int = 0) -> bytes:
    """Returns the contents of a file, with other flags and compression methods of its members, there and in the directory."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for member in re.finditer(signature, content):
            struct.pack_into("<HH", content, member.start() + offset, flags, method)
    return bytes(content)


def vast(path: Path) -> bytes:
    """Returns the contents of a file whose array says that it has more rows than any memory."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (3, 10**14)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arr_0.npy", header.getvalue())
        archive.writestr("variant_0.npy", header.getvalue())
    return path.read_bytes()


DAMAGES = {
    "vast": vast,
    "empty": lambda path: b"",
    "cut off": lambda path: path.read_bytes()[:200],
    "text": lambda path: b"hello",
    "encrypted": lambda path: damaged(path, flags=ENCRYPTED),
    "compressed in a manner unknown": lambda path: damaged(path, method=COMPRESSED),
    "compressed no longer": lambda path: damaged(path, method=8),
}


@pytest.fixture(params=DAMAGES.values(), ids=DAMAGES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "arrays.npz"
    np.savez(path, arr_0=np.arange(400.0).reshape(20, 20), variant_0=np.zeros((4, 1)))
    path.write_bytes(request.param(path))
    return path


def test_a_damaged_file_of_arrays_is_one_line_without_advice_to_unpickle_it(path: Path) -> None:
    for read, error in ((read_arrays, DataError), (load_weights, RunError)):
        with pytest.raises(error, match=r"arrays\.npz: .*cannot be read") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert "pickle" not in str(caught.value)


def test_a_report_leaves_out_the_pictures_of_damaged_files_and_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pictures, "picture_side", lambda run: 2)
    run = SimpleNamespace(folder=path.parent, facts={"variants": ["plain"]})
    for name, draw in (("first_layers.npz", pictures.comparison_pictures), ("best.keras", pictures.run_pictures)):
        (path.parent / name).write_bytes(path.read_bytes())
        caplog.clear()
        assert draw(run) is None
        assert f"{name}: cannot be read" in caplog.text
        assert "leaves out the pictures" in caplog.text
