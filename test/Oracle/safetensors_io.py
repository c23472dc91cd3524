"""Reads and writes safetensors files of elements given as bit patterns."""
import json
from array import array

DTYPE_NAMES = {"f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16", "f8e4m3fn": "F8_E4M3",
               "f8e5m2": "F8_E5M2", "i64": "I64", "i32": "I32", "i16": "I16", "i8": "I8",
               "u8": "U8", "i1": "BOOL"}
BY_NAME = {name: dtype for dtype, name in DTYPE_NAMES.items()}
TYPECODES = {8: "Q", 4: "I", 2: "H", 1: "B"}
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4,
          "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def write(path, tensors):
    """`tensors`: name -> (dtype, shape, elements)."""
    header, body = {}, bytearray()
    for name, (dtype, shape, elements) in tensors.items():
        spelled = DTYPE_NAMES[dtype]
        data = array(TYPECODES[WIDTHS[spelled]], elements).tobytes()
        header[name] = {"dtype": spelled, "shape": list(shape),
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text + body)


def read(path):
    """name -> (dtype, shape, elements)."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    body = content[8 + length:]
    result = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        elements = array(TYPECODES[WIDTHS[entry["dtype"]]])
        elements.frombytes(body[begin:end])
        result[name] = (BY_NAME[entry["dtype"]], list(entry["shape"]), elements.tolist())
    return result
