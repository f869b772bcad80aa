import type { NewService } from "./new-service.ts";

export const contractTemplate = ({ name, title, port }: NewService): string => `syntax = "proto3";

package ${name}.v1;

import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
import "mesh/v1/options.proto";

// Items that belong to the user who made them.
service ${title}Service {
  option (mesh.v1.service) = {
    name: "${name}"
    port: ${port}
    scopes: ["${name}:read", "${name}:write"]
  };

  // Makes an item.
  rpc CreateItem(CreateItemRequest) returns (CreateItemResponse) {
    option (google.api.http) = {
      post: "/api/v1/${name}/items"
      body: "*"
      response_body: "item"
    };
    option (mesh.v1.method) = {
      access: {signed_in: true}
      success_status: 201
    };
  }

  // One item of the signed-in user.
  rpc GetItem(GetItemRequest) returns (GetItemResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {
      get: "/api/v1/${name}/items/{id}"
      response_body: "item"
    };
    option (mesh.v1.method).access = {signed_in: true};
  }

  // The items of the signed-in user, newest first.
  rpc ListItems(ListItemsRequest) returns (ListItemsResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (google.api.http) = {get: "/api/v1/${name}/items"};
    option (mesh.v1.method).access = {signed_in: true};
  }
}

message Item {
  string id = 1;
  string name = 2;
  google.protobuf.Timestamp created_at = 3;
}

message CreateItemRequest {
  string name = 1 [(buf.validate.field).string = {
    min_len: 1
    max_len: 100
  }];
}

message CreateItemResponse {
  Item item = 1;
}

message GetItemRequest {
  string id = 1 [(buf.validate.field).string.uuid = true];
}

message GetItemResponse {
  Item item = 1;
}

message ListItemsRequest {
  // 1 to 500; default 50.
  int32 page_size = 1 [(buf.validate.field).int32 = {
    gte: 0
    lte: 500
  }];
  string page_token = 2 [(buf.validate.field).string.max_len = 500];
}

message ListItemsResponse {
  repeated Item items = 1;
  string next_page_token = 2;
}
`;
