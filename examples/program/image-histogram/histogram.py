"""Grey values of a PGM image: histogram, mean, and the threshold that parts dark from light best (Otsu).

python histogram.py <image.pgm> <rounds> <result.txt>

Copyright the ckstore authors. SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_HEADER = re.compile(rb"(P[25])(?:\s+(?:#[^\n]*\n\s*)*(\d+))(?:\s+(?:#[^\n]*\n\s*)*(\d+))\s+(\d+)\s")


def read_image(path: Path) -> list[int]:
    """The cells of a plain (P2) or raw (P5) PGM image, row by row, scaled to 0…255."""
    data = path.read_bytes()
    header = _HEADER.match(data)
    if header is None or not 0 < int(header[4]) < 256:
        raise ValueError(f"{path}: not a PGM image with one byte per cell")
    width, height, white = (int(number) for number in header.groups()[1:])
    body = data[header.end() :]
    cells = [int(word) for word in body.split()] if header[1] == b"P2" else list(body)
    if len(cells) < width * height:
        raise ValueError(f"{path}: the image ends too early")
    return [cell * 255 // white for cell in cells[: width * height]]


def histogram(cells: list[int]) -> list[int]:
    """How many cells have each of the 256 values."""
    counts = [0] * 256
    for cell in cells:
        counts[cell] += 1
    return counts


def threshold(counts: list[int]) -> int:
    """The value that separates the two classes with the largest variance between them; whole numbers only."""
    total, weighted = sum(counts), sum(value * count for value, count in enumerate(counts))
    best, best_variance, below, below_weighted = 0, 0, 0, 0
    for value, count in enumerate(counts):
        below += count
        below_weighted += value * count
        if 0 < below < total:
            difference = total * below_weighted - below * weighted
            variance = difference * difference // (below * (total - below))
            if variance > best_variance:
                best, best_variance = value, variance
    return best


def report(counts: list[int]) -> str:
    """Sixteen bars, the mean and the threshold."""
    total = sum(counts)
    bins = [sum(counts[start : start + 16]) for start in range(0, 256, 16)]
    lines = [f"{n * 16:3d}-{n * 16 + 15:3d} {'#' * (50 * b // max(bins)):50} {b}" for n, b in enumerate(bins)]
    mean = sum(value * count for value, count in enumerate(counts)) // total
    return "\n".join([*lines, f"cells {total}", f"mean {mean}", f"threshold {threshold(counts)}", ""])


def main(image: str, rounds: str, result: str) -> None:
    """Do the work ``rounds`` times, so that there is something to time, and write the last result."""
    cells = read_image(Path(image))
    for _ in range(int(rounds)):
        counts = histogram(cells)
        text = report(counts)
    Path(result).write_bytes(text.encode())
    print(text, end="")


if __name__ == "__main__":
    if len(sys.argv) != 4 or not sys.argv[2].isdigit() or int(sys.argv[2]) < 1:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"histogram: {error}")
