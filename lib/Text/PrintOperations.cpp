//===- PrintOperations.cpp - Lowered operations to text -------------------===//
//
// Regions and endpoints as they stand in every lowered operation, then the
// operations of each level.
//===----------------------------------------------------------------------===//
#include "ModulePrinter.h"
#include "xfer/Text/Printer.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::StringRef;

namespace xfer {

StringRef spelling(RouteType type) {
  switch (type) {
  case RouteType::Untyped:
    return "untyped";
  case RouteType::Unicast:
    return "unicast";
  case RouteType::Multicast:
    return "multicast";
  case RouteType::Local:
    return "local";
  case RouteType::Reduce:
    return "reduce";
  }
  return "";
}

StringRef spelling(Level level) {
  switch (level) {
  case Level::Declarations:
    return "declarations";
  case Level::Routes:
    return "routes";
  case Level::Chunks:
    return "chunks";
  case Level::Programs:
    return "programs";
  }
  return "";
}

StringRef spelling(Transport transport) {
  switch (transport) {
  case Transport::Unassigned:
    return "unassigned";
  case Transport::P2P:
    return "p2p";
  case Transport::Broadcast:
    return "broadcast";
  case Transport::Local:
    return "local";
  case Transport::None:
    return "none";
  }
  return "";
}

static void printSegment(const Segment &segment, TextBuffer &out) {
  out << segment.begin << ":" << segment.begin + segment.run;
  if (segment.count > 1)
    out << " by " << segment.stride << " x " << segment.count;
}

void ModulePrinter::printRegion(const Region &region) {
  StringRef dimSeparator = "";
  out << "[";
  for (const DimSegments &dim : region.dims) {
    out << dimSeparator;
    dimSeparator = ", ";
    if (dim.size() == 1) {
      printSegment(dim.front(), out);
      continue;
    }
    StringRef separator = "{";
    for (const Segment &segment : dim) {
      out << separator;
      printSegment(segment, out);
      separator = ", ";
    }
    out << "}";
  }
  out << "]";
}

std::string toString(const Module &module, RegionId region) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ModulePrinter(module, os).printRegion(module.region(region));
  return text;
}

StringRef ModulePrinter::rankListText(RankListId id) {
  if (rankListTexts.empty())
    rankListTexts.resize(module.numRankLists());
  if (rankListTexts[id].empty())
    rankListTexts[id] = ranksToString(module.rankList(id));
  return rankListTexts[id];
}

/// The reduction of the tensor's source, which the operation repeats for the reader.
void ModulePrinter::printReduceOp(TensorId tensor) {
  out << spelling(tensor == kNone ? ReduceOp::None : module.reductionOf(module.tensors[tensor]));
}

/// Without brackets.
static StringRef inner(StringRef list) { return list.drop_front().drop_back(); }

void ModulePrinter::printEndpoints(const Endpoints &ends, TensorId tensor) {
  if (!ends.isChosen()) {
    out << " any ";
    if (ends.groupSize == 1) {
      out << rankListText(ends.sources);
    } else {
      ArrayRef<int64_t> sources = module.rankList(ends.sources);
      StringRef separator = "[{";
      for (; !sources.empty(); sources = sources.drop_front(ends.groupSize)) {
        std::string group = ranksToString(sources.take_front(ends.groupSize));
        out << separator << inner(group) << "} ";
        printReduceOp(tensor);
        separator = ", {";
      }
      out << "]";
    }
  } else if (ends.groupSize == 1) {
    out << " " << ends.sender;
  } else {
    out << " {" << inner(rankListText(ends.sources)) << "} ";
    printReduceOp(tensor);
    out << " via " << ends.sender;
  }
  out << " -> " << rankListText(ends.destinations);
}

void ModulePrinter::printTensorUse(TensorId tensor, RegionId region, const Endpoints &ends,
                                   int32_t targetIndex) {
  out << " @" << module.tensors[tensor].name << " ";
  printRegion(module.region(region));
  if (targetIndex == 0)
    return;
  // The number of the target among those whose mesh has the first destination.
  int64_t rank = module.rankList(ends.destinations).front();
  int64_t copy = 0;
  for (const Side &side : ArrayRef(module.tensors[tensor].targets).take_front(targetIndex))
    copy += meshRanks.contains(module.layout(side.layout).mesh, rank);
  if (copy)
    out << " copy " << copy;
}

void ModulePrinter::printStridedRegion(StringRef word, StridedRegionId id) {
  if (id == kNone)
    return;
  const StridedRegion &region = module.stridedRegion(id);
  out << " " << word << " offset " << region.offset;
  StringRef separator = " sizes [";
  for (int64_t size : region.sizes) {
    out << separator << size;
    separator = ", ";
  }
  out << (region.sizes.empty() ? " sizes []" : "]");
  separator = " strides [";
  for (int64_t stride : region.strides) {
    out << separator << stride;
    separator = ", ";
  }
  out << (region.strides.empty() ? " strides []" : "]");
}

void ModulePrinter::printProgramChunk(const ProgramChunk &chunk, bool inBucket, StringRef indent) {
  out << indent << "chunk";
  printTensorUse(chunk.tensor, chunk.region, chunk.ends, chunk.targetIndex);
  if (!inBucket) {
    printEndpoints(chunk.ends, chunk.tensor);
    out << " transport " << spelling(chunk.transport);
  }
  printStridedRegion("source", chunk.source);
  printStridedRegion("target", chunk.target);
  if (inBucket)
    out << " at " << chunk.offset;
  out << "\n";
}

void ModulePrinter::printBucket(const Program &program, const Bucket &bucket, StringRef indent) {
  ArrayRef<ProgramChunk> chunks =
      ArrayRef(program.chunks).slice(bucket.firstChunk, bucket.numChunks);
  out << indent << "bucket " << bucket.ordinal << " " << spelling(bucket.transport);
  printEndpoints(bucket.ends, chunks.empty() ? kNone : chunks.front().tensor);
  StringRef roles = bucket.roles.target ? "target" : "source";
  if (bucket.roles.source && bucket.roles.target)
    roles = "source, target";
  out << " roles(" << roles << ") bytes " << bucket.bytes << " {\n";
  std::string chunkIndent = (indent + "  ").str();
  for (const ProgramChunk &chunk : chunks)
    printProgramChunk(chunk, /*inBucket=*/true, chunkIndent);
  out << indent << "}\n";
}

void ModulePrinter::printProgram(const Program &program) {
  out << "program rank " << program.rank << " {\n";
  if (!program.windows.empty()) {
    for (const Window &window : program.windows) {
      out << "  window " << window.index << " {\n";
      for (const Bucket &bucket :
           ArrayRef(program.buckets).slice(window.firstBucket, window.numBuckets))
        printBucket(program, bucket, "    ");
      out << "  }\n";
    }
  } else if (!program.buckets.empty()) {
    for (const Bucket &bucket : program.buckets)
      printBucket(program, bucket, "  ");
  } else {
    for (const ProgramChunk &chunk : program.chunks)
      printProgramChunk(chunk, /*inBucket=*/false, "  ");
  }
  out << "}\n";
}

void ModulePrinter::printOperations() {
  if (module.routes.empty() && module.chunks.empty() && module.programs.empty())
    return;
  if (!module.tensors.empty())
    out << "\n";
  if (module.level == Level::Routes) {
    for (const Route &route : module.routes) {
      out << "route";
      printTensorUse(route.tensor, route.region, route.ends, route.targetIndex);
      printEndpoints(route.ends, route.tensor);
      if (route.type != RouteType::Untyped)
        out << " : " << spelling(route.type);
      out << "\n";
    }
  } else if (module.level == Level::Chunks) {
    for (const Chunk &chunk : module.chunks) {
      out << "chunk";
      printTensorUse(chunk.tensor, chunk.region, chunk.ends, chunk.targetIndex);
      printEndpoints(chunk.ends, chunk.tensor);
      if (chunk.transport != Transport::Unassigned)
        out << " transport " << spelling(chunk.transport);
      else if (chunk.type != RouteType::Untyped)
        out << " : " << spelling(chunk.type);
      out << "\n";
    }
  } else {
    for (const Program &program : module.programs)
      printProgram(program);
  }
}

} // namespace xfer
