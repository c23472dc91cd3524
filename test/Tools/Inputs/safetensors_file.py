"""Reads and writes safetensors files with the standard library: {name: (dtype, shape, bytes)}."""
import json
import struct


def pack(header, data):
    """A file of this header, which may be text that is no JSON, and these bytes of data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    with open(path, "wb") as file:
        file.write(pack(header, data))


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    length, = struct.unpack("<Q", content[:8])
    data = content[8 + length:]
    tensors = {}
    for name, entry in json.loads(content[8:8 + length]).items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
    return tensors
