#include "processors/image/orc_cache.h"

#define ORC_ENABLE_UNSTABLE_API  // for the bytecode of a program
#include <dlfcn.h>
#include <orc/orc.h>
#include <orc/orcbytecode.h>
#include <orc/orcprogram.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace processors {

namespace {

using Compile = OrcCompileResult (*)(OrcProgram*);
using Free = void (*)(OrcProgram*);

struct BytecodeFree {
  void operator()(OrcBytecode* bytecode) const { orc_bytecode_free(bytecode); }
};

// What a program does. Its bytecode begins with its name, which ORC makes of its address.
std::string KeyOf(OrcProgram* program) {
  char name[] = "loop";
  char* const own = std::exchange(program->name, name);
  const std::unique_ptr<OrcBytecode, BytecodeFree> bytecode(orc_bytecode_from_program(program));
  program->name = own;
  return {reinterpret_cast<const char*>(bytecode->bytecode), static_cast<std::size_t>(bytecode->length)};
}

struct Cache {
  Compile compile = nullptr;
  Free free = nullptr;
  std::mutex mutex;
  std::map<std::string, OrcCode*> codes;  // guarded by mutex; never freed
  std::size_t reused = 0;                 // guarded by mutex
};

// Never destroyed: libvips' own end may still free programs.
Cache& TheCache() {
  static Cache* const cache = new Cache();
  return *cache;
}

void Find(Cache& cache) {
  cache.compile = reinterpret_cast<Compile>(::dlsym(RTLD_NEXT, "orc_program_compile"));
  cache.free = reinterpret_cast<Free>(::dlsym(RTLD_NEXT, "orc_program_free"));
  if (cache.compile == nullptr || cache.free == nullptr) std::abort();
}

OrcCompileResult CompileOnce(OrcProgram* program) {
  Cache& cache = TheCache();
  const std::lock_guard lock(cache.mutex);
  if (cache.compile == nullptr) Find(cache);
  std::string key = KeyOf(program);
  if (const auto known = cache.codes.find(key); known != cache.codes.end()) {
    program->orccode = known->second;
    program->code_exec = reinterpret_cast<void*>(known->second->exec);
    ++cache.reused;
    return ORC_COMPILE_RESULT_OK;
  }
  const OrcCompileResult result = cache.compile(program);
  const bool compiled = ORC_COMPILE_RESULT_IS_SUCCESSFUL(result) && program->orccode != nullptr;
  if (compiled && cache.codes.size() < kMaxCompiledLoops) cache.codes.emplace(std::move(key), program->orccode);
  return result;
}

void FreeButTheCode(OrcProgram* program) {
  Cache& cache = TheCache();
  const std::lock_guard lock(cache.mutex);
  if (cache.free == nullptr) Find(cache);
  for (const auto& [key, code] : cache.codes) {
    if (program->orccode != code) continue;
    program->orccode = nullptr;
    break;
  }
  cache.free(program);
}

}  // namespace

void StartOrcCache() {
  Cache& cache = TheCache();
  const std::lock_guard lock(cache.mutex);
  Find(cache);
}

std::size_t ReusedLoops() {
  Cache& cache = TheCache();
  const std::lock_guard lock(cache.mutex);
  return cache.reused;
}

}  // namespace processors

// In the program itself, so that libvips' calls come here first.
extern "C" {
OrcCompileResult orc_program_compile(OrcProgram* program) {
  return processors::CompileOnce(program);
}
void orc_program_free(OrcProgram* program) {
  processors::FreeButTheCode(program);
}
}
