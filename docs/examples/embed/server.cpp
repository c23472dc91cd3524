//===- server.cpp - Receives ten versions of the weights, checks them -----===//
//
// server FOLDER RANK, rank 2 or 3. Stores bf16: the embedding cut by rows, the
// projection by columns (tensor parallelism). Knows nothing of the trainer but
// that it will write FOLDER/trainer.xfer.
//===----------------------------------------------------------------------===//
#include "Embed.h"
#include <cstring>
#include <iostream>

static const char kSide[] = "mesh @server = [tp=2] ranks [2, 3]\n"
                            "target @embed_tokens on @server split [{tp}, {}]\n"
                            "target @o_proj       on @server split [{}, {tp}]\n";

/// Of a value that bf16 holds exactly.
static uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<uint16_t>(bits >> 16);
}

/// Elements of a block that are not those of `step`.
static int64_t countWrong(const Block &block, const std::vector<uint16_t> &data, int step) {
  int64_t wrong = 0;
  for (int64_t r = 0; r < block.rows; ++r)
    for (int64_t c = 0; c < block.columns; ++c)
      wrong += data[r * block.columns + c] !=
               toBf16(weight(block, block.row + r, block.column + c, step));
  return wrong;
}

int main(int argc, char **argv) {
  const Process process = parseCommandLine(argc, argv);
  if (process.rank == 2)
    publish(process, "server.xfer", declareTensors() + kSide);
  Transfer transfer = connect(process);

  const bool isFirst = process.rank == 2;
  const Block blocks[] = {{"embed_tokens", isFirst ? 0 : 501, 0, isFirst ? 501 : 500, 64},
                          {"o_proj", 0, isFirst ? 0 : 32, 96, 32}};
  std::vector<uint16_t> data[2];
  int64_t shapes[2][2];
  std::vector<xfer_binding_t> bindings;
  for (int i = 0; i < 2; ++i) {
    const Block &block = blocks[i];
    data[i].resize(block.rows * block.columns);
    shapes[i][0] = block.rows;
    shapes[i][1] = block.columns;
    bindings.push_back(
        {block.name.c_str(), XFER_TARGET, XFER_BF16, 2, shapes[i], nullptr, data[i].data()});
  }
  require(transfer.session.bind(bindings), "bind");

  int64_t checked = 0;
  for (int step = 0; step < kNumUpdates; ++step) {
    update(transfer.session);
    for (int i = 0; i < 2; ++i) {
      if (int64_t wrong = countWrong(blocks[i], data[i], step)) {
        std::cerr << "error: update " << step << " of '" << blocks[i].name << "' has " << wrong
                  << " wrong elements\n";
        return 1;
      }
      checked += static_cast<int64_t>(data[i].size());
    }
  }
  std::cout << "server " << process.rank << " checked " << kNumUpdates << " updates, " << checked
            << " elements\n";
  return 0;
}
