//===- ByteDamage.cpp - Files that no writer made -------------------------===//
#include "Mutant.h"

namespace xfer::mutation {

void addByteDamage(Mutants &mutants, size_t size) {
  for (bool sealedAgain : {false, true}) {
    const std::string prefix = sealedAgain ? "file, sealed again: " : "file, not sealed: ";
    for (size_t i = 0; i < size; ++i) {
      const std::string place = "byte " + std::to_string(i);
      for (uint8_t bits : {0x01, 0x80, 0xff})
        mutants.addBytes(prefix + "flip bits", place + " ^ " + std::to_string(bits), sealedAgain,
                         [=](std::vector<uint8_t> &file) { file[i] ^= bits; });
      mutants.addBytes(prefix + "cut", "after " + place, sealedAgain,
                       [=](std::vector<uint8_t> &file) { file.resize(i); });
    }
    mutants.addBytes(prefix + "longer", "at the end", sealedAgain,
                     [](std::vector<uint8_t> &file) { file.resize(file.size() + 8); });
  }
}

} // namespace xfer::mutation
