// The table of deploy/cloudformation/data.yaml on a moto server, for one test.
#pragma once

#include <stdexcept>
#include <string>

#include "aws/json_call.h"
#include "aws/moto.h"

namespace aws::testing {

class Table {
 public:
  explicit Table(Moto& moto) : moto_(moto), name_(moto.NewName("table-")) {
    Send("CreateTable", R"({"TableName":)" + Quoted(name_) + R"(,"BillingMode":"PAY_PER_REQUEST",
      "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},
        {"AttributeName":"tenantKey","AttributeType":"S"},{"AttributeName":"order","AttributeType":"S"},
        {"AttributeName":"dueKey","AttributeType":"S"},{"AttributeName":"due","AttributeType":"S"}],
      "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
      "GlobalSecondaryIndexes":[
        {"IndexName":"by-tenant","KeySchema":[{"AttributeName":"tenantKey","KeyType":"HASH"},
          {"AttributeName":"order","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}},
        {"IndexName":"due","KeySchema":[{"AttributeName":"dueKey","KeyType":"HASH"},
          {"AttributeName":"due","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]})");
  }
  ~Table() { (void)Try("DeleteTable", R"({"TableName":)" + Quoted(name_) + "}"); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  base::Status Try(std::string_view operation, const std::string& body) {
    JsonAnswer answer;
    return SendJson(moto_.caller(), {.service = Service::kDynamoDb, .operation = operation, .body = body}, answer);
  }
  void Send(std::string_view operation, const std::string& body) {
    if (const auto done = Try(operation, body); !done) throw std::runtime_error(done.error().message);
  }
  Moto& moto_;
  const std::string name_;
};

}  // namespace aws::testing
