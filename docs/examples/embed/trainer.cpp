//===- trainer.cpp - Owns the weights, sends ten versions of them ---------===//
//
// trainer FOLDER RANK, rank 0 or 1. Stores f32, cut by rows (FSDP). Knows nothing
// of the server but that it will write FOLDER/server.xfer.
//===----------------------------------------------------------------------===//
#include "Embed.h"
#include <iostream>

static const char kSide[] = "mesh @trainer = [fsdp=2]\n"
                            "source @embed_tokens : f32 on @trainer split [{fsdp}, {}]\n"
                            "source @o_proj       : f32 on @trainer split [{fsdp}, {}]\n";

int main(int argc, char **argv) {
  const Process process = parseCommandLine(argc, argv);
  if (process.rank == 0)
    publish(process, "trainer.xfer", declareTensors() + kSide);
  Transfer transfer = connect(process);

  // 1001 rows in ceil-sized pieces: 501 and 500, as torch.chunk cuts them.
  const bool isFirst = process.rank == 0;
  const Block blocks[] = {{"embed_tokens", isFirst ? 0 : 501, 0, isFirst ? 501 : 500, 64},
                          {"o_proj", isFirst ? 0 : 48, 0, 48, 64}};
  std::vector<float> data[2];
  int64_t shapes[2][2];
  std::vector<xfer_binding_t> bindings;
  for (int i = 0; i < 2; ++i) {
    const Block &block = blocks[i];
    data[i].resize(block.rows * block.columns);
    shapes[i][0] = block.rows;
    shapes[i][1] = block.columns;
    bindings.push_back(
        {block.name.c_str(), XFER_SOURCE, XFER_F32, 2, shapes[i], nullptr, data[i].data()});
  }
  require(transfer.session.bind(bindings), "bind");

  for (int step = 0; step < kNumUpdates; ++step) {
    // "Training": nobody reads the weights between one wait and the next replay.
    for (int i = 0; i < 2; ++i)
      for (int64_t r = 0; r < blocks[i].rows; ++r)
        for (int64_t c = 0; c < blocks[i].columns; ++c)
          data[i][r * blocks[i].columns + c] = weight(blocks[i], blocks[i].row + r, c, step);
    update(transfer.session);
  }
  std::cout << "trainer " << process.rank << " sent " << kNumUpdates << " updates\n";
  return 0;
}
