//===- SafetensorsHeader.h - What a safetensors file says it holds -*- C++ -*-===//
//
// A safetensors file is eight bytes of header length, a JSON header that gives
// every tensor its element type, shape and place, then the data. The reader
// trusts nothing: a header that is read has consistent sizes, offsets and
// names, and its tensors cover the file's data. It never reads the data.
//===----------------------------------------------------------------------===//
#pragma once
#include "xfer/IR/DType.h"
#include "xfer/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <string>
#include <vector>

namespace xfer {

struct JsonValue;
class JsonFields;

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  llvm::SmallVector<int64_t, 3> shape;
  int64_t offset = 0; ///< in the file
  int64_t bytes = 0;
  llvm::SMLoc loc; ///< in the header
};

/// Reads the header of the open file `name`; `entries` are ascending by name. An error in the
/// header stands in a buffer named `NAME (header)`.
LogicalResult readSafetensorsHeader(llvm::StringRef name, int descriptor,
                                    std::vector<SafetensorsEntry> &entries,
                                    Diagnostics &diagnostics);
/// The same for a file that is opened for it alone.
LogicalResult readSafetensorsHeader(llvm::StringRef path, std::vector<SafetensorsEntry> &entries,
                                    Diagnostics &diagnostics);

/// The format's name of an element type, `BF16` say.
llvm::StringRef safetensorsName(DType dtype);

/// Reads `dtype` and `shape` of an object that describes the tensor `entry.name`, and computes its
/// bytes. Other formats describe tensors the same way.
LogicalResult parseTensorDescription(JsonFields &fields, SafetensorsEntry &entry);

} // namespace xfer
