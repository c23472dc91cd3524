//===- ParseDeclarations.cpp - mesh, tensor, source, target ---------------===//
//
// One function for each declaration. A mesh or tensor is checked here, where its
// tokens are known; a side goes to the resolver.
//===----------------------------------------------------------------------===//
#include "BufferParser.h"
#include "LayoutSyntax.h"
#include "xfer/IR/DeclarationChecks.h"

using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::SMLoc;
using llvm::StringRef;
using llvm::Twine;

namespace xfer {

LogicalResult BufferParser::redeclared(const char *position, const Twine &text, SMLoc previous) {
  (void)tokens.errorAt(position, text);
  tokens.noteAt(previous, "first declared here");
  return failure();
}

LogicalResult BufferParser::parseMeshAxes(Mesh &mesh, SmallVectorImpl<const char *> &positions) {
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  do {
    MeshAxis axis;
    if (failed(tokens.expectIdentifier(axis.name, "an axis")))
      return failure();
    positions.push_back(axis.name.begin());
    axis.name = module.saveString(axis.name);
    if (failed(tokens.expect(TokenKind::Equal, "=")) ||
        failed(tokens.expectInteger(axis.size, "the size of the axis")))
      return failure();
    mesh.axes.push_back(axis);
  } while (tokens.consumeIf(TokenKind::Comma));
  return tokens.consumeIf(TokenKind::RightBracket) ? success() : tokens.unexpected("',' or ']'");
}

LogicalResult BufferParser::parseMesh() {
  Mesh mesh;
  mesh.loc = tokens.location();
  tokens.advance();
  SmallVector<const char *, 4> axisPositions;
  if (failed(tokens.expectSymbol(mesh.name, "the name of the mesh")) ||
      failed(tokens.expect(TokenKind::Equal, "=")) || failed(parseMeshAxes(mesh, axisPositions)))
    return failure();
  if (auto wrong = checkAxes(mesh))
    return tokens.errorAt(axisPositions[wrong->index], wrong->text);

  const char *ranksPosition = mesh.name.begin() - 1;
  SmallVector<int64_t, 16> ranks;
  SmallVector<RankItem, 4> items;
  if (tokens.consumeWordIf("ranks")) {
    ranksPosition = tokens.current().begin;
    if (failed(tokens.parseRankList(ranks, &items)))
      return failure();
    mesh.ranks.assign(ranks.begin(), ranks.end());
  } else {
    int64_t positions = 1;
    for (const MeshAxis &axis : mesh.axes)
      positions *= axis.size;
    mesh.ranks.resize(positions);
    for (int64_t i = 0; i < positions; ++i)
      mesh.ranks[i] = i;
  }
  if (failed(state.addRanks(mesh.ranks.size(), ranksPosition, tokens)))
    return failure();
  if (auto wrong = checkRanks(mesh)) {
    if (wrong->part == Problem::Part::Rank)
      for (const RankItem &item : items)
        if (item.firstIndex <= static_cast<size_t>(wrong->index))
          ranksPosition = item.position;
    return tokens.errorAt(ranksPosition, wrong->text);
  }
  return declareMesh(std::move(mesh));
}

static bool sameMesh(const Mesh &a, const Mesh &b) {
  auto sameAxis = [](const MeshAxis &x, const MeshAxis &y) {
    return x.name == y.name && x.size == y.size;
  };
  return a.ranks == b.ranks &&
         std::equal(a.axes.begin(), a.axes.end(), b.axes.begin(), b.axes.end(), sameAxis);
}

/// A mesh may be declared again if it says the same.
LogicalResult BufferParser::declareMesh(Mesh mesh) {
  StringRef name = mesh.name;
  const char *position = name.begin() - 1;
  if (int32_t tensor = module.findTensor(name); tensor != kNone)
    return redeclared(position, "'@" + name + "' is already a tensor", module.tensors[tensor].loc);
  if (int32_t known = module.findMesh(name); known != kNone) {
    const Mesh &previous = module.meshes[known];
    if (!sameMesh(mesh, previous))
      return redeclared(position, "mesh '@" + name + "' is declared again, differently",
                        previous.loc);
    return success();
  }
  module.addMesh(std::move(mesh));
  return success();
}

LogicalResult BufferParser::parseDType(DType &dtype) {
  StringRef word = tokens.current().text();
  if (!tokens.is(TokenKind::Identifier))
    return tokens.unexpected("an element type");
  std::optional<DType> parsed = xfer::parseDType(word);
  if (!parsed) {
    static constexpr StringRef spellings[] = {
#define ROW(NAME, SPELLING, BYTES, CLASS) SPELLING,
        XFER_DTYPES(ROW)
#undef ROW
    };
    return tokens.errorAt(word.begin(),
                          "unknown element type '" + word + "'" + didYouMean(word, spellings));
  }
  dtype = *parsed;
  tokens.advance();
  return success();
}

LogicalResult BufferParser::parseTensor() {
  Tensor tensor;
  tensor.loc = tokens.location();
  tokens.advance();
  if (failed(tokens.expectSymbol(tensor.name, "the name of the tensor")) ||
      failed(tokens.expect(TokenKind::Colon, ":")) || failed(parseDType(tensor.dtype)) ||
      failed(parseTensorShape(tensor)))
    return failure();
  if (tokens.isWord("scales") && failed(parseScales(tensor)))
    return failure();
  return declareTensor(std::move(tensor));
}

/// `[8*128, 4096]`
LogicalResult BufferParser::parseTensorShape(Tensor &tensor) {
  SmallVector<const char *, 4> positions;
  if (failed(tokens.expect(TokenKind::LeftBracket, "[")))
    return failure();
  if (tokens.consumeIf(TokenKind::RightBracket))
    return success();
  do {
    int32_t &numFactors = tensor.factors.emplace_back(0);
    do {
      positions.push_back(tokens.current().begin);
      if (failed(tokens.expectInteger(tensor.shape.emplace_back(), "an extent")))
        return failure();
      ++numFactors;
    } while (tokens.consumeIf(TokenKind::Star));
  } while (tokens.consumeIf(TokenKind::Comma));
  if (!tokens.consumeIf(TokenKind::RightBracket))
    return tokens.unexpected("',' or ']'");
  if (tensor.factors.size() == tensor.shape.size())
    tensor.factors.clear();
  if (auto wrong = checkShape(tensor.shape, tensor.dtype))
    return tokens.errorAt(positions[wrong->index], wrong->text);
  return success();
}

/// `scales @w block [128, 128]`
LogicalResult BufferParser::parseScales(Tensor &tensor) {
  BlockScale &scales = tensor.scales.emplace();
  scales.loc = tokens.location();
  tokens.advance();
  if (failed(tokens.expectSymbol(scales.weightName, "the name of a tensor")) ||
      failed(tokens.expectWord("block")))
    return failure();
  scales.weightName = module.saveString(scales.weightName);
  return tokens.parseIntegerList(scales.block);
}

/// `alias @head = @embedding`
LogicalResult BufferParser::parseAlias() {
  AliasStatement alias;
  alias.position = tokens.current().begin;
  tokens.advance();
  if (failed(tokens.expectSymbol(alias.name, "the name of the alias")) ||
      failed(tokens.expect(TokenKind::Equal, "=")) ||
      failed(tokens.expectSymbol(alias.tensor, "the name of a tensor")))
    return failure();
  if (int32_t mesh = module.findMesh(alias.name); mesh != kNone)
    return redeclared(alias.name.begin() - 1, "'@" + alias.name + "' is already a mesh",
                      module.meshes[mesh].loc);
  return state.resolver.addAlias(alias);
}

/// A tensor may be declared again if it says the same.
LogicalResult BufferParser::declareTensor(Tensor tensor) {
  StringRef name = tensor.name;
  const char *position = name.begin() - 1;
  if (int32_t mesh = module.findMesh(name); mesh != kNone)
    return redeclared(position, "'@" + name + "' is already a mesh", module.meshes[mesh].loc);
  if (int32_t known = module.findTensor(name); known != kNone) {
    const Tensor &previous = module.tensors[known];
    if (previous.name != name)
      return redeclared(position, "'@" + name + "' is already an alias of '@" + previous.name + "'",
                        previous.loc);
    auto sameScales = [](const std::optional<BlockScale> &a, const std::optional<BlockScale> &b) {
      return a.has_value() == b.has_value() &&
             (!a || (a->weightName == b->weightName && a->block == b->block));
    };
    if (!sameScales(tensor.scales, previous.scales) || tensor.factors != previous.factors ||
        tensor.dtype != previous.dtype || tensor.shape != previous.shape)
      return redeclared(position, "tensor '@" + name + "' is declared again, differently",
                        previous.loc);
    return success();
  }
  module.addTensor(std::move(tensor));
  return success();
}

LogicalResult BufferParser::parseSide(bool isTarget) {
  SideStatement side;
  side.isTarget = isTarget;
  side.position = tokens.current().begin;
  tokens.advance();
  if (tokens.isWord("storage"))
    return parseStorage(isTarget, side.position);
  if (failed(tokens.expectSymbol(side.tensor, "the name of a tensor")))
    return failure();
  if (tokens.consumeIf(TokenKind::Colon)) {
    side.dtypePosition = tokens.current().begin;
    if (failed(parseDType(side.dtype.emplace())))
      return failure();
  } else if (!tokens.isWord("on")) {
    return tokens.unexpected("':' or 'on'");
  }
  if (failed(parseLayoutClause(side.layout)))
    return failure();
  return state.resolver.addSide(side);
}

/// Checks the syntax of a layout once for each distinct text.
LogicalResult BufferParser::parseLayoutClause(LayoutClause &clause) {
  if (failed(tokens.expectWord("on")) ||
      failed(tokens.expectSymbol(clause.mesh, "the name of a mesh")))
    return failure();
  if (!tokens.isWord("split") && !tokens.isWord("placements") && !tokens.isWord("partial"))
    return success();
  clause.begin = tokens.current().begin;
  clause.bufferEnd = text.end();
  if (const char *end = skimLayout(clause.begin)) {
    auto known = state.layoutTexts.find(StringRef(clause.begin, end - clause.begin));
    if (known != state.layoutTexts.end()) {
      clause.text = known->second;
      tokens.moveTo(end);
      return success();
    }
  }
  LayoutSyntax syntax;
  if (failed(parseLayoutSyntax(tokens, syntax)))
    return failure();
  StringRef layout(clause.begin, tokens.previousEnd() - clause.begin);
  int32_t id = static_cast<int32_t>(state.layoutTexts.size());
  clause.text = state.layoutTexts.try_emplace(layout, id).first->second;
  return success();
}

} // namespace xfer
