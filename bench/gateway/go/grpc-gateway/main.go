// Command grpc-gateway is grpc-gateway as its users run it: code made from the
// contract, before a client that is kept.
package main

import (
	"context"
	"log"
	"os"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	itemsv1 "weftbench/gen/bench/items/v1"
	"weftbench/process"
)

func main() {
	backend, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	mux := runtime.NewServeMux()
	if err := itemsv1.RegisterItemServiceHandler(context.Background(), mux, backend); err != nil {
		log.Fatal(err)
	}
	process.Serve(mux)
}
