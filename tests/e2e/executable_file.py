"""What a program's file says of itself: for which machine it is, and whether it needs anything beside it.

ELF as in elf(5), Mach-O as in <mach-o/loader.h>; only what the tests ask.
"""

import struct
from typing import NamedTuple

ELF_MACHINES = {8: "mips", 40: "arm", 62: "x86_64", 183: "aarch64"}
PT_DYNAMIC, PT_INTERP = 2, 3
SHT_SYMTAB = 2

MACHO_64 = 0xFEEDFACF
MACHO_MACHINES = {0x01000007: "x86_64", 0x0100000C: "aarch64"}
MH_EXECUTE = 2
LC_SYMTAB, LC_LOAD_DYLIB = 0x2, 0xC


class Program(NamedTuple):
    kind: str  # "ELF" or "Mach-O"
    machine: str
    order: str  # "big" or "little"
    libraries: tuple  # that it loads: of an ELF file only that there are some
    symbols: int  # of the linker's table, which a stripped file lacks


def read(data):
    """@raises ValueError: no program of a kind that is known here"""
    if data[:4] == b"\x7fELF":
        return read_elf(data)
    if data[:4] == struct.pack("<I", MACHO_64):
        return read_macho(data)
    raise ValueError(f"neither ELF nor Mach-O: begins with {data[:4].hex()}")


def read_elf(data):
    wide, order = data[4] == 2, ">" if data[5] == 2 else "<"
    machine = struct.unpack_from(order + "H", data, 18)[0]
    if wide:
        segments, sections = struct.unpack_from(order + "QQ", data, 32)
        segment_size, segment_count, section_size, section_count = struct.unpack_from(order + "HHHH", data, 54)
    else:
        segments, sections = struct.unpack_from(order + "II", data, 28)
        segment_size, segment_count, section_size, section_count = struct.unpack_from(order + "HHHH", data, 42)
    segment_types = [struct.unpack_from(order + "I", data, segments + i * segment_size)[0] for i in range(segment_count)]
    section_types = [struct.unpack_from(order + "I", data, sections + i * section_size + 4)[0] for i in range(section_count)]
    needed = tuple(name for kind, name in ((PT_INTERP, "a loader"), (PT_DYNAMIC, "libraries")) if kind in segment_types)
    return Program("ELF", ELF_MACHINES.get(machine, str(machine)), "big" if order == ">" else "little", needed,
                   section_types.count(SHT_SYMTAB))  # fmt: skip


def read_macho(data):
    machine, _, kind, count = struct.unpack_from("<IIII", data, 4)
    if kind != MH_EXECUTE:
        raise ValueError(f"a Mach-O file of type {kind}, no program")
    libraries, symbols, at = [], 0, 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", data, at)
        if command == LC_LOAD_DYLIB:
            name_at = at + struct.unpack_from("<I", data, at + 8)[0]
            libraries.append(data[name_at : data.index(b"\0", name_at)].decode())
        if command == LC_SYMTAB:
            symbols = struct.unpack_from("<I", data, at + 12)[0]
        at += size
    return Program("Mach-O", MACHO_MACHINES.get(machine, hex(machine)), "little", tuple(libraries), symbols)
