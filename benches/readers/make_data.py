#!/usr/bin/env python3
"""make_data.py ROWS FILE: rows of (int, int, string) as text, the same each time."""

import sys

BLOCK = 1 << 18


def main():
    rows, file = int(sys.argv[1]), sys.argv[2]
    with open(file, "w", buffering=1 << 22, newline="") as out:
        for start in range(0, rows, BLOCK):
            numbers = range(start, min(start + BLOCK, rows))
            out.write("".join(f"{n},{n * 7919 % 1000003},r{n * 31 % 9973:08d}\n" for n in numbers))


main()
