// What RocksDB itself allows: the outcome rows that our server wrote are written again by one thread, in synced batches
// of a given size, into a fresh store opened with our options. Nothing is checked, counted or answered.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "store/database.h"

namespace {

using Row = std::pair<std::string, std::string>;
using Clock = std::chrono::steady_clock;

template <typename T>
T Must(base::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void Must(const base::Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}
void Must(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

struct Limit {
  std::string like;    // a store that a server of ours wrote and closed
  std::string folder;  // absent; its parent is there
  std::size_t batch = 1000;
};

// Every outcome, in the order of its key. Opening replays what the server left in its log.
std::vector<Row> OutcomesOf(const std::string& dir) {
  const auto database = Must(store::Database::Open(dir, {}));
  std::vector<Row> rows;
  const std::string last(store::kOutcomeKeyBytes + 1, '\xff');
  Must(database->Scan(database->rows(), "", last, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return store::Database::Walk::kOn;
  }));
  return rows;
}

double WriteSeconds(const Limit& limit, const std::vector<Row>& rows) {
  const auto database = Must(store::Database::Open(limit.folder, {}));
  const auto started = Clock::now();
  rocksdb::WriteBatch batch;
  for (std::size_t at = 0; at < rows.size(); at += limit.batch) {
    batch.Clear();
    const std::size_t end = std::min(rows.size(), at + limit.batch);
    for (std::size_t i = at; i < end; ++i) Must(batch.Put(database->rows(), rows[i].first, rows[i].second));
    Must(database->Write(batch));
  }
  return std::chrono::duration<double>(Clock::now() - started).count();
}

int Run(const Limit& limit) {
  const std::vector<Row> rows = OutcomesOf(limit.like);
  std::size_t bytes = 0;
  for (const Row& row : rows) bytes += row.first.size() + row.second.size();
  const double seconds = WriteSeconds(limit, rows);
  fmt::print("{{\"rows\":{},\"bytes\":{},\"seconds\":{:.6f}}}\n", rows.size(), bytes, seconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The store's side of ./dev bench --only messages: synced batches and nothing else.");
  Limit limit;
  app.add_option("--like", limit.like, "a closed store whose outcomes are written again")->required();
  app.add_option("--folder", limit.folder, "where the new store is made")->required();
  app.add_option("--batch", limit.batch, "rows a batch")->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    return Run(limit);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench-rocks-limit: {}\n", error.what());
    return 1;
  }
}
